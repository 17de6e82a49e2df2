"""What objects hold, on one path: records, immutable, in the heap of a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from asyncsqla_lint.flow.leads import Leads, leads_of
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Iteration, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.names import Scoped


class Record(Struct, frozen=True):
    """What the heap knows of one object. Records are immutable: a change replaces the record.

    The methods mirror those of `Value`, with `me` the reference through which the object was reached.
    """

    is_leaf: ClassVar[bool] = False  # of Python's own, and what it holds leads nowhere: see `flow.closed`
    is_safe_to_enter: ClassVar[bool] = False  # a `with` over it raises nothing of its own
    grows: ClassVar[bool] = False  # anybody who has it may put something in

    def is_promised(self) -> bool:
        """Does an annotation alone say what it is?"""
        return False

    def is_amiss(self) -> bool:
        """Has something been taken from it that whoever reads it would miss?"""
        return False

    def suits(self, is_async: bool) -> bool | None:
        """Is it of this kind, of what SQLAlchemy has in two? None: it is nothing of the sort."""
        return None

    def over(self) -> Record:
        """Whoever has waited for it has seen its end, be that an exception."""
        return self

    def joined(self, other: Record) -> Record:
        """What holds on both paths. Records of different kinds have nothing in common."""
        return self if self == other else FORGOTTEN

    def on_one_path(self, which: int) -> Record:
        """Paths have met, and another has no such object; `which` is the same for all that it lacks."""
        return self

    def is_like(self, other: Record) -> bool:
        """Made a moment ago, as the other was on its path: what is done to it later is done to either."""
        return False

    def is_told_apart(self, other: Record) -> bool:
        """Are two paths kept apart that hold these two under one name?"""
        return False

    def truth(self, state: State) -> bool | None:
        return True

    def class_info(self) -> ClassInfo | None:
        """The project's class of which this is an instance."""
        return None

    def possible_subclasses(self) -> tuple[ClassInfo, ...]:
        """Those of which it may be an instance just as well."""
        return ()

    def is_external(self, name: str) -> bool | None:
        """Is this an instance of a class that is not the project's?"""
        return None

    def is_callable(self) -> bool | None:
        return None

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return UNKNOWN

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        return None

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        if flow.watched:
            state.let_out((value,))

    def set_some_attribute(self, state: State, me: Reference) -> None:
        """`setattr(me, name, …)` with a name that nobody knows."""

    def delete_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> None:
        return None

    def call(self, flow: Flow, state: State, me: Reference, arguments: Arguments, at: Span) -> Value:
        return flow.call_unknown(state, me, arguments, at)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return flow.call_unknown(state, me, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return UNKNOWN

    def forget(self, flow: Flow, state: State, me: Reference) -> None:
        """Code that we cannot see had this object in its hands across an await."""
        return

    def left_out(self, flow: Flow, state: State, me: Reference) -> None:
        """The project's own code had it in its hands and was not run: it may have done whatever it is for."""
        self.forget(flow, state, me)

    def handed_out(self, flow: Flow, state: State, me: Reference) -> None:
        """Given to a function of which not even the name is known: it may do whatever the project's may."""
        return

    def unseen(self, state: State, me: Reference) -> None:
        """The project's own code that was not run gives it: it may have been made there."""
        return

    def may_hold(self, flow: Flow, state: State, me: Reference, values: tuple[Value, ...]) -> None:
        """A method of it that was not run had these in its hands: it may hold them from now on."""
        return

    def exposed(self, flow: Flow, state: State, me: Reference) -> None:
        """Plain code that we cannot see has this object in its hands: it may set attributes."""
        return

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        return UNKNOWN

    def only_adds(self, state: State) -> bool:
        return False

    def drawn(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        return self.iterate(flow, state, me, at, is_async)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        return Iteration(element=UNKNOWN)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        return UNKNOWN

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        if flow.watched:
            state.let_out((value,))

    def compared(
        self, flow: Flow, state: State, me: Reference, operator: str, other: Value, at: Span
    ) -> Value | None:
        """`me operator other`; None: nothing special."""
        return None

    def operated(
        self, flow: Flow, state: State, me: Reference, operator: str, other: Value, at: Span
    ) -> Value | None:
        return None

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        return None

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        return UNKNOWN

    def leave(
        self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool
    ) -> bool | None:
        return False

    def formatted(
        self, flow: Flow, state: State, me: Reference, at: Span, specification: Value | None = None
    ) -> Value:
        return self.represented(flow, state, me, at)

    def represented(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        """`repr(me)`, as a list asks it of its items."""
        return UNKNOWN

    def peek(self, name: str) -> Value | None:
        """An attribute's value, if it is known, without the consequences of reading it."""
        return None

    def is_one_for_many(self) -> bool:
        """Does the record stand for each of the elements of a collection?"""
        return False

    def is_step(self) -> bool:
        """A node of a tree, reached from another, of which it is known how much of the tree is there?"""
        return False

    def annotated(self, where: Scoped) -> Record:
        """What the annotation of the variable that it is given to adds."""
        return self

    def parts(self) -> tuple[tuple[str, Value], ...]:
        """The fields of a plain record, which its reader may test."""
        return ()

    def poke(self, state: State, me: Reference, name: str, value: Value) -> None:
        """A test has narrowed what an attribute holds."""
        return

    def length(self, flow: Flow, state: State, me: Reference, at: Span) -> None:
        """`len(me)` runs `__len__`."""

    def specialised(self, flow: Flow, state: State, me: Reference, cls: Value) -> None:
        """A test has shown that this is an instance of `cls`."""

    def individual(self, flow: Flow, state: State, me: Reference) -> Value:
        return me

    def set_apart(self) -> tuple[Value, ...]:
        """Elements that it stands for too, and that are known by themselves: a loop comes to each of them."""
        return ()

    def absorb(self, flow: Flow, state: State, me: Reference, processed: tuple[Value, ...]) -> None:
        """After a loop over what `me` stands for: each element is now like one of `processed`."""
        return

    def repeated(self, flow: Flow, state: State, me: Reference, since: int) -> None:
        """It was made in an iteration that stands for many, which began at the id `since`."""
        return

    def refers_to(self) -> tuple[Value, ...]:
        return ()


class Forgotten(Record, frozen=True):
    """An object about which paths disagree in kind."""

    def truth(self, state: State) -> bool | None:
        return None


FORGOTTEN: Record = Forgotten()


class Outside(Record, frozen=True):
    """The objects that code which we do not see, or an object forgotten, may hold."""

    objects: frozenset[int] = frozenset()

    def joined(self, other: Record) -> Record:
        return Outside(self.objects | other.objects) if isinstance(other, Outside) else self


class Joins:
    """What joining two records gave: side by side, paths join the same two again and again."""

    MOST = 20_000

    def __init__(self) -> None:
        self._known: dict[
            tuple[int, int], tuple[Record, Record, Record]
        ] = {}  # held, so that no id is used twice
        self._leads: dict[int, Leads] = {}

    def joined(self, ours: Record, theirs: Record) -> Record:
        key = (id(ours), id(theirs))
        known = self._known.get(key)
        if known is not None:
            return known[2]
        result = ours.joined(theirs)
        if result == ours:
            result = ours  # the join that follows will be of the same two
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[key] = (ours, theirs, result)
        return result

    def leads(self, record: Record, state: State) -> Leads:
        """Where one step from the record leads; paths that share the record ask again and again."""
        known = self._leads.get(id(record))
        if known is not None:
            return known
        if len(self._leads) >= self.MOST:
            self._leads.clear()
        found = self._leads[id(record)] = leads_of(state, record.refers_to(), record)
        return found

    def clear(self) -> None:
        self._known.clear()
        self._leads.clear()


class Vacant(Record, frozen=True):
    """What stood for the elements of a collection, on a path where it has none."""


VACANT = Vacant()
