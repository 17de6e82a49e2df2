"""What the interpreter tells whoever listens. `semantics.events` adds what SQLAlchemy does."""

from __future__ import annotations

from msgspec import Struct

from asyncsqla_lint.flow.frames import Frame, Site


class Event(Struct):
    """Something happened at `site`, in `frame`; `certain` when it happens on every path that comes here."""

    site: Site
    frame: Frame
    certain: bool
