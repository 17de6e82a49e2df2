"""Configurations as they hold in each directory of a run: what the project there runs on is found out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

import msgspec

from asyncsqla_lint.run.contents import Overlay
from asyncsqla_lint.run.keys import key_of
from asyncsqla_lint.workspace.config import Config, Greenless
from asyncsqla_lint.workspace.fastapi_release import FastAPIResolver
from asyncsqla_lint.workspace.greenlet import GreenletResolver
from asyncsqla_lint.workspace.requirements import Dependencies
from asyncsqla_lint.workspace.target_release import TargetResolver


class Identities:
    """Each configuration's identity, worked out once: thousands of files share one."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: dict[int, tuple[Config, str]] = {}  # by id, and held, so that no id is used twice

    def __call__(self, config: Config) -> str:
        known = self._known.get(id(config))
        if known is None:
            identity = f"{config.digest()} {key_of(config.root, self._root)}"
            known = self._known[id(config)] = (config, identity)
        return known[1]


class Resolved:
    """A configuration as it holds in a directory, with what the project there runs on found out."""

    def __init__(
        self, root: str, identity: Identities, overlay: Overlay, listed: Mapping[str, Collection[str]]
    ) -> None:
        dependencies = Dependencies(partial(_read, overlay), listed)
        self._target_of = TargetResolver(root, dependencies)
        self._lacks_greenlet = GreenletResolver(root, dependencies)
        self._ends_first = FastAPIResolver(root, dependencies)
        self._identity = identity
        self._known: dict[tuple[str, str], Config] = {}
        self._distinct: dict[tuple[str, str, Greenless | None, bool], Config] = {}
        self._identities: dict[tuple[int, str], tuple[Config, str]] = {}

    def __call__(self, config: Config, directory: str) -> Config:
        own = self._identity(config)
        found = self._known.get((own, directory))
        if found is None:
            target, lacking = config.target_sqlalchemy, self._lacks_greenlet(directory)
            first = self._ends_first(directory)
            if target == "auto":
                target = self._target_of(directory).release
            alike = self._distinct.get((own, target, lacking, first))
            if alike is None:
                alike = msgspec.structs.replace(
                    config, target_sqlalchemy=target, lacks_greenlet=lacking, dependencies_end_first=first
                )
            found = self._known[own, directory] = self._distinct[own, target, lacking, first] = alike
        return found

    def identity(self, config: Config, directory: str) -> str:
        known = self._identities.get((id(config), directory))
        if known is None:
            known = (config, self._identity(self(config, directory)))
            self._identities[id(config), directory] = known
        return known[1]


def _read(overlay: Overlay, path: str) -> str:
    """The text of a dependency file, as it stands or would stand."""
    data = overlay.get(path)
    if data is None:
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            return ""
    return data.decode("utf-8-sig", "replace")
