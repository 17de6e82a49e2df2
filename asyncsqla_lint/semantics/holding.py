"""Holding: a session's own references are weak. Who else holds a row to which no variable leads?"""

from __future__ import annotations

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.semantics.instances import InstanceRecord
from asyncsqla_lint.semantics.many_to_one import leads_to_class


def keeps_itself(state: State, me: Reference, record: InstanceRecord) -> bool:
    """Made here, and in a circle (a parent and its child, by `back_populates`): nobody needs to lead to it.

    The session's reference is weak, but a circle ends only when Python next looks for circles.
    """
    return record.is_made and me.oid in state.reachable(record.refers_to())


def may_be_kept(state: State, me: Reference, record: InstanceRecord) -> bool:
    """No variable leads to it any more: the session forgets it, unless somebody else holds it.

    Whoever was given it, and what outlives the functions that run; the session, while it waits for a flush;
    what has been loaded and leads back to it.
    """
    if record.is_modified is not False or me.oid in state.outside() | state.reachable(record.refers_to()):
        return True
    cls, alive = record.model.cls, state.alive()
    return any(
        leads_to_class(other, cls)
        for reference, other in state.records(InstanceRecord)
        if other.session == record.session and (reference == me or reference.oid in alive)
    ) or me.oid in state.reachable(
        value
        for _, other in state.heap.items()
        if not isinstance(other, InstanceRecord)
        for value in other.refers_to()
    )
