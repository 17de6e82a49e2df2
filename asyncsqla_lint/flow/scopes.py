"""Names: locals, closures, globals of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue, ModuleValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.frames import BudgetExceeded, Frame, PathEnds
from asyncsqla_lint.flow.joining import join_states
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Reference, Value, union
from asyncsqla_lint.flow.worlds import Table, TooDeep
from asyncsqla_lint.project import names
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo, callee
from asyncsqla_lint.project.names import External, Module, ModuleSymbol, Variable
from asyncsqla_lint.project.walking import statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class Scopes:
    """Everything about names that outlives one root: values of globals, decorated functions."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        if flow.is_world:
            self._module_frames: dict[Module, Frame] = {}
            self._module_frame_ids: set[int] = set()
            self._class_frames: dict[ClassInfo, Frame] = {}  # of those of which a test replaces members
        else:
            shared = flow.world.flow.scopes
            self._module_frames, self._module_frame_ids = shared._module_frames, shared._module_frame_ids
            self._class_frames = shared._class_frames
        self._module_values: dict[Module, dict[str, Value]] = {}
        self._attributes: dict[tuple[Module, str], Value] = {}
        self._running: set[object] = set()
        self._importing: set[Module] = set()
        self._filled: set[Table] = set()
        self._symbols: dict[tuple[int, object], tuple[p.Expression, names.Symbol | None]] = {}
        self._global_names: dict[Module, dict[str, list[p.Expression]]] = {}

    # -- names

    def lookup(self, state: State, frame: Frame, name: str) -> Value:
        value = self.local(state, frame, name)
        if value is not None:
            return value
        if frame.function is None and name in self._module_values.get(frame.module, {}):
            return self._module_values[frame.module][name]
        return self.attribute(frame.module, name, state)

    def local(self, state: State, frame: Frame, name: str) -> Value | None:
        frames = state.frames
        variables = frames.get(frame.id)
        if variables is not None and name in variables:
            return variables[name]
        for enclosing in frame.closure:
            variables = state.variables(enclosing)
            if variables is not None and name in variables:
                return variables[name]
        return self.assigned(state, frame.module, name)

    def assigned(self, state: State, module: Module, name: str) -> Value | None:
        """What this path has given a global of the module, if it has."""
        module_frame = self._module_frames.get(module)
        variables = None if module_frame is None else state.frames.get(module_frame.id)
        return None if variables is None else variables.get(name)

    def frame_of_assignment(self, frame: Frame, name: str) -> int:
        return frame.outer_names.get(name, frame.id) if frame.outer_names else frame.id

    def declare_outer(self, frame: Frame, node: p.Global | p.Nonlocal) -> None:
        found = dict(frame.outer_names)
        for name in node.names:
            if isinstance(node, p.Global):
                found[name] = self.module_frame(frame.module).id
            elif frame.closure:
                found[name] = frame.closure[0]
        frame.outer_names = found

    def module_frame(self, module: Module) -> Frame:
        frame = self._module_frames.get(module)
        if frame is None:
            with self.flow.shared():
                frame = self._module_frames[module] = Frame(self.flow.new_id(), module, None)
            self._module_frame_ids.add(frame.id)
        return frame

    def class_frame(self, cls: ClassInfo) -> Frame:
        frame = self._class_frames.get(cls)
        if frame is None:
            with self.flow.shared():
                frame = self._class_frames[cls] = Frame(self.flow.new_id(), cls.module, None)
            self._module_frame_ids.add(frame.id)
        return frame

    def replaced(self, state: State, classes: tuple[ClassInfo, ...], name: str) -> Value | None:
        """What stands in the place of a member of one of these classes, on this path."""
        for cls in classes if self._class_frames else ():
            frame = self._class_frames.get(cls)
            variables = None if frame is None else state.frames.get(frame.id)
            if variables is not None and name in variables:
                return variables[name]
        return None

    def module_frame_ids(self) -> set[int]:
        return self._module_frame_ids

    def are_globals_assigned(self, state: State, functions: Iterable[FunctionInfo]) -> bool:
        """Has this path given globals that these functions mention other values than the modules have?"""
        if self._module_frame_ids.isdisjoint(state.frames):
            return False
        given = [state.frames[number].keys() for number in self._module_frame_ids & state.frames.keys()]
        return any(
            not names.isdisjoint(function.header.mentions) for names in given for function in functions
        )

    # -- globals

    def attribute(self, module: Module, name: str, state: State | None = None) -> Value:
        """What a global name of a module holds."""
        key = (module, name)
        known = self._attributes.get(key)
        if known is not None:
            return known
        symbol = self.flow.index.lookup(module, name)
        if symbol is None:
            if name in names.BUILTINS:
                return ExternalValue(f"builtins.{name}")
            submodule = self.flow.index.module(f"{module.name}.{name}", module)
            return ModuleValue(submodule) if submodule is not None else UNKNOWN
        if isinstance(symbol, Variable):
            value = self.variable(symbol)
            if symbol not in self._running and not self.flow.is_world:
                self._attributes[key] = value
            return value
        value = self.of_symbol(symbol)
        if not self.flow.is_world:  # it is told each time where was looked to find it
            self._attributes[key] = value
        return value

    def of_symbol(self, symbol: names.Symbol | None) -> Value:
        if isinstance(symbol, ClassInfo):
            return ClassValue(symbol)
        if isinstance(symbol, FunctionInfo):
            return self._of_function(symbol)
        if isinstance(symbol, ModuleSymbol):
            return ModuleValue(symbol.module)
        if isinstance(symbol, External):
            return self.flow.meanings.external(symbol.name)
        if isinstance(symbol, Variable):
            return self.variable(symbol)
        return UNKNOWN

    def _of_function(self, info: FunctionInfo) -> Value:
        """`name = Class.method` at a module's top level: a class method is bound to its class."""
        member = None if info.owner is None else info.owner.members.get(info.name)
        if info.owner is None or member is None or member.kind != "classmethod":
            return self.function(info)
        from asyncsqla_lint.flow.classes import bind_to

        return bind_to(self.function(info), ClassValue(info.owner))

    def variable(self, symbol: Variable) -> Value:
        if symbol.owner is not None or symbol.scope is not None:
            return UNKNOWN
        flow = self.flow
        if flow.is_world and flow.world.is_about(("module", symbol.module)):
            # Its own top level asks, which has not come so far yet.
            return UNKNOWN if symbol in self._running else self.found(symbol, is_made=False)
        key = ("variable", symbol.module, symbol.name)
        return flow.remembered(key, partial(_variable, symbol), UNKNOWN)

    def place_of(self, reference: Reference) -> tuple[Variable, str] | None:
        """The global that has led to an object, or to the one that has it under that attribute."""
        for (module, name), value in self._attributes.items():
            symbol = self.flow.index.lookup(module, name) if isinstance(value, Reference) else None
            if isinstance(value, Reference) and isinstance(symbol, Variable):
                if value == reference:
                    return symbol, ""
                record = self.flow.base.get(value.oid)
                for attribute, one in record.attributes.items() if isinstance(record, ObjectRecord) else ():
                    if one == reference:
                        return symbol, attribute
        return None

    def found(self, symbol: Variable, is_made: bool = True) -> Value:
        self._running.add(symbol)
        try:
            value = self.module_values(symbol.module).get(symbol.name) if is_made else None
            if value is None:
                value = self._evaluated(symbol)
            value = self._reassigned(symbol, value)
            if value is UNKNOWN and symbol.annotation is not None:
                value = self.at_module(
                    symbol.module, lambda state, frame: self._annotated(state, frame, symbol)
                )
        finally:
            self._running.discard(symbol)
        record = self._fillable(symbol.module, value)
        if record is not None:
            self.flow.settle(("variable", symbol.module, symbol.name), value)  # the others ask for it
            self.fill(Table(symbol.module, symbol.name, record.class_info()))
        return value

    def fill(self, table: Table) -> None:
        """Run the top levels of the modules that may add to what the table holds."""
        if self.flow.is_world:
            self.flow.world.tables.add(table)  # it is filled where the answer is used
        elif table not in self._filled:
            self._filled.add(table)
            registrations = self.flow.index.registrations
            self.import_all(registrations.of(table.owner, table.name, table.kind))

    def class_tables(self) -> list[tuple[ClassInfo, str]]:
        """The lists and dicts of class bodies that have been looked at."""
        return [(one.owner, one.name) for one in self._filled if isinstance(one.owner, ClassInfo)]

    def _fillable(self, module: Module, value: Value) -> Record | None:
        """A table, or an object that may keep one, of a module whose top level has run."""
        if not isinstance(value, Reference) or module in self._importing:
            return None
        record = self.flow.base.get(value.oid)
        return record if isinstance(record, (DictRecord, ListRecord, ObjectRecord)) else None

    def import_all(self, modules: Iterable[Module]) -> None:
        """Run the top levels of modules for what they add to the tables of others."""
        for module in modules:
            self.module_values(module)

    def _annotated(self, state: State, frame: Frame, symbol: Variable) -> Value:
        assert symbol.annotation is not None
        return self.flow.types.annotation_value(state, frame, symbol.annotation, symbol.span)

    def _evaluated(self, symbol: Variable) -> Value:
        expression = symbol.value
        if expression is None:
            return UNKNOWN
        return self.at_module(symbol.module, lambda state, frame: self.flow.evaluate(state, expression))

    def _reassigned(self, symbol: Variable, value: Value) -> Value:
        """Functions that declare the name `global` give it values too."""
        expressions = self.assigned_globals(symbol.module).get(symbol.name)
        if not expressions:
            return value
        found: list[Value] = [] if value in (NONE, UNKNOWN) else [value]
        for expression in expressions:
            given = self.at_module(symbol.module, partial(self._run, expression))
            if given not in (NONE, UNKNOWN):
                found.append(given)
        if not found and symbol.annotation is not None:
            found.append(
                self.at_module(symbol.module, lambda state, frame: self._annotated(state, frame, symbol))
            )
        return union((*found[:3], UNKNOWN)) if len(found) > 1 else found[0] if found else UNKNOWN

    def _run(self, expression: p.Expression, state: State, frame: Frame) -> Value:
        return self.flow.evaluate(state, expression)

    def assigned_globals(self, module: Module) -> dict[str, list[p.Expression]]:
        found = self._global_names.get(module)  # part of the module's outline
        if found is None:
            found = {}
            for body in module.program.bodies if module.says("global") else ():
                for name, given in globals_given(body).items():
                    found.setdefault(name, []).extend(given)
            self._global_names[module] = found
        return found

    def at_module(
        self, module: Module, act: Callable[[State, Frame], Value], *, is_told: bool = True
    ) -> Value:
        """Run something in the module's own scope, outside of any path; what it makes is shared by all.

        What it changes of what others have made is so from then on, unless `is_told` not: it is run only
        for the value.
        """
        flow = self.flow
        state = State(flow.base, flow.base_frames, flow.joins)
        try:
            with self.outside(module), flow.shared():
                value = act(state, flow.frame)
        except (PathEnds, BudgetExceeded):
            value = UNKNOWN
        except RecursionError:
            if flow.is_world:
                raise TooDeep from None
            value = UNKNOWN
        records: Iterable[tuple[int, Record]] = state.heap.items()
        if not is_told:
            records = [(oid, record) for oid, record in records if not flow.is_shared(oid)]
        flow.make_known(records, state.frames)
        return value

    @contextmanager
    def outside(self, module: Module) -> Iterator[None]:
        """Nobody's path: what happens here nobody hears or catches."""
        flow = self.flow
        frame, tries, recorders, isolated = flow.frame, flow.tries, flow.recorders, flow.isolated
        flow.frame, flow.tries, flow.recorders, flow.isolated = self.module_frame(module), [], [], 0
        flow.joining += 1
        flow.muted += 1
        try:
            yield
        finally:
            flow.frame, flow.tries, flow.recorders, flow.isolated = frame, tries, recorders, isolated
            flow.joining -= 1
            flow.muted -= 1

    def module_values(self, module: Module) -> dict[str, Value]:
        """The globals of a module after its top level has run (without what it imports)."""
        found = self._module_values.get(module)
        if found is None:
            nothing: dict[str, Value] = {}
            found = self.flow.remembered(("module", module), partial(_module_values, module), nothing)
            if not self.flow.is_world:
                self._module_values[module] = found
        return found

    def run_module(self, module: Module) -> dict[str, Value]:
        found: dict[str, Value] = {}
        flow = self.flow

        def run(state: State, frame: Frame) -> Value:
            state.open_frame(frame.id)
            state.assign(frame.id, "__name__", Constant(module.name))  # it is imported, and not "__main__"
            states, _ = flow.execute([state], module.program.statements)
            if states:
                final = join_states(states)
                left = final.frames.pop(frame.id, {})
                found.update({name: _as_imported(value, frame) for name, value in left.items()})
                state.become(final)
            return NONE

        if not flow.is_world:
            self._module_values[module] = found
        self._importing.add(module)
        try:
            self.at_module(module, run)
        finally:
            self._importing.discard(module)
        return found

    # -- functions and classes

    def function(self, info: FunctionInfo) -> Value:
        """A function of a module or class with its decorators applied."""
        plain: Value = FunctionValue(info)
        if not info.header.decorators:
            return plain
        return self.flow.remembered(("function", info), partial(_function, info), plain)

    def nested_function(self, frame: Frame, number: int) -> FunctionValue:
        info = self.flow.index.function_at(frame.module, number, None, frame.function)
        return FunctionValue(info, (frame.id, *frame.closure))

    def nested_class(self, frame: Frame, node: p.ClassDefinition) -> ClassValue:
        return ClassValue(self.flow.index.class_at(frame.module, node, None, frame.function))

    def decorated(self, flow: Flow, state: State, function: FunctionValue) -> Value:
        """Apply decorators, the innermost first; one that tells us nothing leaves the function as it is."""
        value: Value = function
        scope = function.info.definition_scope
        for expression, symbol in reversed(
            list(zip(function.info.header.decorators, function.info.decorators, strict=True))
        ):
            if (
                isinstance(scope, ClassInfo)
                and isinstance(symbol, External)
                and symbol.name in flow.meanings.member_decorators
            ):
                continue
            decorator = (
                self.of_symbol(symbol)
                if symbol is not None and callee(expression) is expression
                else flow.evaluate(state, expression)
            )
            if decorator is UNKNOWN:
                continue
            result = decorator.call(flow, state, Arguments((value,)), expression.span)
            if _is_callable(state, result):
                value = result
        return value

    def imported(self, module: Module, name: str, top: bool) -> Value:
        return self.of_symbol(self.flow.index.named(name.split(".")[0] if top else name, module))

    def imported_from(self, module: Module, level: int, source: str, name: str) -> Value:
        symbol = self.flow.index.import_from(module, level, source, name)
        if isinstance(symbol, Variable):
            return self.attribute(symbol.module, symbol.name)
        return self.of_symbol(symbol)

    # -- symbols of expressions

    def symbol(self, frame: Frame, node: p.Expression) -> names.Symbol | None:
        scope = frame.function or frame.owner
        key = (id(node), scope or frame.module)
        known = self._symbols.get(key)
        if known is None:
            found = self.flow.index.resolve(frame.module, node, scope)
            known = self._symbols[key] = (node, found)  # held, so that no id is used twice
        return known[1]

    def callee_name(self, frame: Frame, node: p.Expression) -> str | None:
        symbol = self.symbol(frame, node)
        if isinstance(symbol, External):
            return symbol.name
        return symbol.name if isinstance(symbol, ClassInfo) else None


def _variable(symbol: Variable, flow: Flow) -> Value:
    return flow.scopes.found(symbol)


def _module_values(module: Module, flow: Flow) -> dict[str, Value]:
    return flow.scopes.run_module(module)


def _function(info: FunctionInfo, flow: Flow) -> Value:
    scopes, plain = flow.scopes, FunctionValue(info)
    return scopes.at_module(info.module, lambda state, frame: scopes.decorated(flow, state, plain))


def _is_callable(state: State, value: Value) -> bool:
    from asyncsqla_lint.flow.callables import Decorated, Partial

    return isinstance(value, (FunctionValue, Decorated, Partial)) or (
        isinstance(value, Reference) and isinstance(state.record(value.oid), ObjectRecord)
    )


def _as_imported(value: Value, frame: Frame) -> Value:
    """A function of the top level, which has run, closes over nothing: it is what its name stands for."""
    if isinstance(value, FunctionValue) and value.closure == (frame.id,):
        return FunctionValue(value.info, (), value.receiver)
    return value


def globals_given(body: p.Statements) -> dict[str, list[p.Expression]]:
    """What a function gives to the names that it declares `global`."""
    found: dict[str, list[p.Expression]] = {}
    declared: set[str] = set()
    for statement in statements(body):
        if isinstance(statement, p.Global):
            declared.update(statement.names)
        elif (
            declared and isinstance(statement, (p.Assign, p.AnnotatedAssign)) and statement.value is not None
        ):
            targets = statement.targets if isinstance(statement, p.Assign) else (statement.target,)
            for target in targets:
                if isinstance(target, p.Name) and target.id in declared:
                    found.setdefault(target.id, []).append(statement.value)
    return found
