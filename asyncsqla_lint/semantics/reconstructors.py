"""`@reconstructor`: no `__init__` runs for what a query has made; this sets what is not mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Arguments, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.semantics.instances import InstanceRecord, current

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

RECONSTRUCTOR = "sqlalchemy.orm.reconstructor"


def reconstructed(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, at: Span
) -> Value | None:
    """What it has set under that name: run when somebody asks first, not once more for each row of a query.

    What it reads itself may load: SQLAlchemy calls it while it loads the row.
    """
    function = _reconstructor(record.model)
    is_loaded = record.plan is not None and record.has_identity and not record.is_made
    if function is None or not is_loaded or function in flow.running:
        return None
    flow.running.add(function)
    try:
        with flow.silently():
            run_function(flow, state, FunctionValue(function, (), me), Arguments(), at)
    finally:
        flow.running.discard(function)
    return current(state, me, record).extras.get(name)


def _reconstructor(model: Model) -> FunctionInfo | None:
    """The most derived class has the last word."""

    def find() -> FunctionInfo | None:
        members = (one for cls in model.cls.ancestors for one in cls.members.values())
        found = (one.function for one in members if one.function is not None)
        return next((one for one in found if one.decorated_by(RECONSTRUCTOR)), None)

    return kept(model, "reconstructor", find)
