"""The table through which the floors above give meaning to what is not the project's own code.

A meaning is a function. `calls` and `instances` are found by dotted name; the hooks are asked in turn until
one answers. This floor registers Python itself (`builtins`), `semantics` SQLAlchemy, `frameworks` the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, Symbol, Value
from asyncsqla_lint.program import Expression, Span
from asyncsqla_lint.project.functions import FunctionInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

P = ParamSpec("P")
Answer = TypeVar("Answer")
CallMeaning = Callable[["Flow", "State", Arguments, Span], Value]
InstanceMeaning = Callable[["Flow", "State", tuple[Value, ...], Span], Value]
AttributeHook = Callable[["Flow", "State", Value, ClassValue, str, Span], "Value | None"]


class Meanings:
    def __init__(self) -> None:
        self.calls: dict[str, CallMeaning] = {}
        self.harmless: set[str] = set()  # of `calls`, those that leave nothing behind but the value they give
        self.sure: set[str] = set()  # of `calls`, those that raise nothing where the value they give is known
        self.sleeps: set[str] = set()  # of `calls`, those that let time pass
        self.prefixes: list[tuple[str, CallMeaning]] = []
        self.instances: dict[str, InstanceMeaning] = {}
        self.values: dict[str, Value] = {}
        self.exceptions: dict[str, tuple[str, ...]] = {}
        self.database_errors: set[str] = set()  # the packages whose exceptions are what a database answers
        # Whoever derives from one of these is called by a framework, not by the project.
        self.view_classes: set[str] = set()
        self.member_decorators: set[str] = set()  # of which a class knows what they do to its members
        self.when_instantiated: list[Callable[[Flow, State, ClassValue, Arguments, Span], Value | None]] = []
        self.when_promised: list[Callable[[Flow, State, ClassValue, Span], Value | None]] = []
        self.when_looked_for: list[Callable[[Flow, ExternalValue, str], bool | None]] = []
        self.when_class_read: list[Callable[[Flow, State, ClassValue, str, Span], Value | None]] = []
        self.when_inherited: list[AttributeHook] = []
        self.when_member_tested: list[Callable[[Flow, State, str, Expression, bool], None]] = []
        self.when_found_none: list[Callable[[Flow, State, Symbol], None]] = []
        self.when_run: list[Callable[[Flow, State, FunctionInfo], bool]] = []
        self.when_bound: list[Callable[[Flow, State], None]] = []
        self.when_field_read: list[Callable[[Flow, State, ClassValue, str, Value, Span], Value | None]] = []
        self.when_entered: list[Callable[[Flow, State, Value, Span, bool], None]] = []
        self.when_awaited: list[Callable[[Flow, State, Value, Span], None]] = []
        self.when_waited: list[Callable[[Flow, State, Reference | None], None]] = []
        self.when_awaited_again: list[Callable[[Flow, State, Value, Span], None]] = []
        self.when_coroutine_read: list[Callable[[Flow, State, Reference, str, Span], None]] = []
        self.when_dropped: list[Callable[[Flow, State, Reference, Span], None]] = []
        self.one_for_all: set[str] = set()  # classes of which the same instance is handed from call to call
        # Decorators of generators that a container runs once, and ends: they go on whatever has been raised.
        self.providers: set[str] = set()
        self.when_kept_elsewhere: list[Callable[[Flow, State, Value], None]] = []
        self.when_class_changed: list[Callable[[Flow, State, ClassValue, str, Value], None]] = []
        self.when_handled: list[Callable[[Flow, State, Span], None]] = []
        self.when_handed_on: list[Callable[[Flow, State, Span], None]] = []
        self.when_root_ended: list[Callable[[Flow], None]] = []
        self.when_ended: list[
            Callable[[Flow, Frame, list[tuple[State, Value]], list[State], Sequence[State]], None]
        ] = []
        self.when_module_ended: list[Callable[[Flow, Frame, list[State]], None]] = []
        self.watches: list[Callable[[Flow, FunctionInfo], bool]] = []
        self.is_cleaning_up: list[Callable[[State, Value], bool]] = []
        self.when_amiss: list[Callable[[State], bool]] = []
        self.when_called: list[Callable[[Flow, State, FunctionValue, Arguments], bool | None]] = []

    # -- what an external name means

    def defines(self, *names: str) -> Callable[[CallMeaning], CallMeaning]:
        def register(meaning: CallMeaning) -> CallMeaning:
            for name in names:
                self.calls[name] = meaning
            return meaning

        return register

    def learn(self, table: Mapping[str, CallMeaning]) -> None:
        """Meanings by name; several names in one text mean the same, one without a dot is a builtin."""
        for names, meaning in table.items():
            for name in names.split():
                self.calls[name if "." in name else f"builtins.{name}"] = meaning

    def types(self, *names: str) -> Callable[[InstanceMeaning], InstanceMeaning]:
        def register(meaning: InstanceMeaning) -> InstanceMeaning:
            for name in names:
                self.instances[name] = meaning
            return meaning

        return register

    def is_harmless(self, name: str) -> bool:
        """Does the call give a value, and that is all? (What is not known here is asked of nobody.)"""
        return name in self.harmless

    def call(self, name: str) -> CallMeaning | None:
        found = self.calls.get(name)
        if found is None:
            found = next((meaning for prefix, meaning in self.prefixes if name.startswith(prefix)), None)
        return found

    def instance(self, name: str) -> InstanceMeaning | None:
        return self.instances.get(name)

    def external(self, name: str) -> Value:
        return self.values.get(name) or ExternalValue(name)

    def attribute(self, flow: Flow, state: State, value: ExternalValue, name: str, at: Span) -> Value:
        return self.external(f"{value.name}.{name}")

    def has_attribute(self, flow: Flow, value: ExternalValue, name: str) -> bool | None:
        return _first(self.when_looked_for, flow, value, name)

    def exception_ancestors(self, name: str) -> tuple[str, ...]:
        """The last names of an exception's bases, itself included; empty when it is not known."""
        return self.exceptions.get(name.rpartition(".")[2], ())

    def is_of_databases(self, exception: str) -> bool:
        return exception.partition(".")[0] in self.database_errors

    def is_exception(self, raised: str, asked: str) -> bool | None:
        """Is an exception of the one class also one of the other? None: perhaps."""
        ancestors = self.exception_ancestors(raised)
        if asked == raised or asked.rpartition(".")[2] in ancestors:
            return True
        # What a database answers is of a class whose bases are known: other packages' names are none of them.
        known = ancestors and (self.is_of_databases(raised) or self.exception_ancestors(asked))
        return False if known else None

    # -- what the project's own classes mean

    def instantiate(
        self, flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span
    ) -> Value | None:
        return _first(self.when_instantiated, flow, state, cls, arguments, at)

    def instance_of_class(self, flow: Flow, state: State, cls: ClassValue, at: Span, depth: int) -> Value:
        """An object that an annotation promises."""
        found = _first(self.when_promised, flow, state, cls, at)
        if found is not None:
            return found
        if depth > 2:
            return UNKNOWN
        from asyncsqla_lint.flow.implementations import implementation
        from asyncsqla_lint.flow.promises import opened

        return opened(flow, state, implementation(flow, cls), at)

    def instance_of(self, flow: Flow, state: State, cls: Value, at: Span) -> Value:
        """An object of a class, of the project or not, that somebody else has made."""
        if isinstance(cls, ClassValue):
            return self.instance_of_class(flow, state, cls, at, 0)
        promise = self.instance(cls.name) if isinstance(cls, ExternalValue) else None
        return UNKNOWN if promise is None else promise(flow, state, (), at)

    def class_attribute(self, flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
        return _first(self.when_class_read, flow, state, cls, name, at)

    def inherited_attribute(
        self, flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span
    ) -> Value | None:
        """An attribute that the class has from a base outside of the project."""
        return _first(self.when_inherited, flow, state, me, cls, name, at)

    def field(self, flow: Flow, state: State, cls: ClassValue, name: str, value: Value, at: Span) -> Value:
        """What reading a field gives whose class body says `value`."""
        found = _first(self.when_field_read, flow, state, cls, name, value, at)
        return value if found is None else found

    # -- what the code does with values

    def entered(self, flow: Flow, state: State, manager: Value, at: Span, is_async: bool) -> None:
        """`with manager` or `async with manager`."""
        for hook in self.when_entered:
            hook(flow, state, manager, at, is_async)

    def call_awaited(self, flow: Flow, state: State, function: Value, at: Span) -> None:
        """`await function(…)`, before the call."""
        for hook in self.when_awaited:
            hook(flow, state, function, at)

    def awaited_again(self, flow: Flow, state: State, operand: Value, at: Span) -> None:
        """`await (await operand)`."""
        for hook in self.when_awaited_again:
            hook(flow, state, operand, at)

    def coroutine_read(self, flow: Flow, state: State, coroutine: Reference, name: str, at: Span) -> None:
        """An attribute (or item, when the name is empty) is asked of a coroutine."""
        for hook in self.when_coroutine_read:
            hook(flow, state, coroutine, name, at)

    def dropped(self, flow: Flow, state: State, coroutine: Reference, at: Span) -> None:
        """An expression statement leaves a coroutine to nobody."""
        for hook in self.when_dropped:
            hook(flow, state, coroutine, at)

    def ended(
        self,
        flow: Flow,
        frame: Frame,
        done: list[tuple[State, Value]],
        raised: list[State],
        risky: Sequence[State] = (),
    ) -> None:
        """A function has ended in each of these ways; in the `risky` ones an `await` may have raised."""
        for hook in self.when_ended:
            hook(flow, frame, done, raised, risky)

    def is_watched(self, flow: Flow, info: FunctionInfo) -> bool:
        """Does it matter in which states an exception may leave this function?"""
        return any(hook(flow, info) for hook in self.watches)

    def module_ended(self, flow: Flow, frame: Frame, states: list[State]) -> None:
        for hook in self.when_module_ended:
            hook(flow, frame, states)

    def handled(self, flow: Flow, state: State, at: Span) -> None:
        """The handler that stands at `at` has caught what was raised."""
        for hook in self.when_handled:
            hook(flow, state, at)

    def handed_on(self, flow: Flow, state: State, at: Span) -> None:
        """The handler that stands at `at` ends by raising."""
        for hook in self.when_handed_on:
            hook(flow, state, at)

    def waited(self, flow: Flow, state: State, what: Reference | None) -> None:
        """The code has waited until somebody said so; None: until it saw that something was so."""
        for hook in self.when_waited:
            hook(flow, state, what)

    def cleans_up(self, state: State, awaited: Value) -> bool:
        return any(hook(state, awaited) for hook in self.is_cleaning_up)

    def is_amiss(self, state: State) -> bool:
        """Has something gone wrong on this path, so that what others have run may end otherwise here?"""
        return any(hook(state) for hook in self.when_amiss)

    def tell_apart(self, states: Sequence[State]) -> bool:
        """Is it so on some of these paths alone?"""
        return len({self.is_amiss(state) for state in states}) > 1

    def kept_elsewhere(self, flow: Flow, state: State, value: Value) -> None:
        """An unknown object keeps it: `app["engine"] = …`, `context.state.engine = …`."""
        for hook in self.when_kept_elsewhere:
            hook(flow, state, value)

    def class_changed(self, flow: Flow, state: State, cls: ClassValue, name: str, value: Value) -> None:
        """`Class.name = value`: all instances have it."""
        for hook in self.when_class_changed:
            hook(flow, state, cls, name, value)

    # -- roots

    def root_ended(self, flow: Flow) -> None:
        """All that starts from a root has been run."""
        for hook in self.when_root_ended:
            hook(flow)

    def run_root(self, flow: Flow, state: State, info: FunctionInfo) -> None:
        """Run a function as whoever calls it would: a framework if one knows it, else plainly."""
        from asyncsqla_lint.flow.roots import run_plainly

        if not any(hook(flow, state, info) for hook in self.when_run):
            run_plainly(flow, state, info)

    def parameters_bound(self, flow: Flow, state: State) -> None:
        """The parameters of a root stand: what one promises may depend on another."""
        for hook in self.when_bound:
            hook(flow, state)

    # -- hints

    def found_none(self, flow: Flow, state: State, value: Value) -> None:
        """What is the same unknown wherever it appears is None on this path."""
        if isinstance(value, Symbol):
            for hook in self.when_found_none:
                hook(flow, state, value)

    def narrowed_membership(
        self, flow: Flow, state: State, name: str, container: Expression, holds: bool
    ) -> None:
        """`"name" in container` has come out so."""
        for hook in self.when_member_tested:
            hook(flow, state, name, container, holds)

    def matters(self, flow: Flow, state: State, function: FunctionValue, arguments: Arguments) -> bool:
        """Could running this function tell anyone anything?"""
        return all(hook(flow, state, function, arguments) is not False for hook in self.when_called)


def _first(hooks: Sequence[Callable[P, Answer | None]], *given: P.args, **words: P.kwargs) -> Answer | None:
    """The answer of the first hook that has one: all are asked at every attribute and call."""
    for hook in hooks:
        found = hook(*given, **words)
        if found is not None:
            return found
    return None
