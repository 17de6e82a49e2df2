"""What Python's builtins and the standard library mean for values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.classes import Getting
from asyncsqla_lint.flow.containers import DictRecord, ListRecord, Ready
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.operators import hashed, ordered
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    ClassValue,
    Constant,
    Decorated,
    ExternalValue,
    FunctionValue,
    Iteration,
    Partial,
    Reference,
    SuperValue,
    TupleValue,
    Value,
    alternatives,
    is_short,
    join,
    union,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

EXCEPTIONS = {
    "builtins.BaseException": "",
    "builtins.Exception": "BaseException",
    "builtins.ArithmeticError": "Exception",
    "builtins.AssertionError": "Exception",
    "builtins.AttributeError": "Exception",
    "builtins.LookupError": "Exception",
    "builtins.KeyError": "LookupError",
    "builtins.IndexError": "LookupError",
    "builtins.OSError": "Exception",
    "builtins.TimeoutError": "OSError",
    "builtins.ConnectionError": "OSError",
    "builtins.RuntimeError": "Exception",
    "builtins.NotImplementedError": "RuntimeError",
    "builtins.RecursionError": "RuntimeError",
    "builtins.StopIteration": "Exception",
    "builtins.TypeError": "Exception",
    "builtins.ValueError": "Exception",
    "builtins.UnicodeError": "ValueError",
    "builtins.PermissionError": "OSError",
    "builtins.FileNotFoundError": "OSError",
    "builtins.NameError": "Exception",
    "builtins.ImportError": "Exception",
    "builtins.KeyboardInterrupt": "BaseException",
    "builtins.SystemExit": "BaseException",
    "asyncio.CancelledError": "BaseException",
}


MEMBER_DECORATORS = frozenset(
    {
        "builtins.property",
        "builtins.classmethod",
        "builtins.staticmethod",
        "functools.cached_property",
        "abc.abstractmethod",
        "abc.abstractproperty",
        "typing.override",
        "typing.overload",
    }
)


def register(meanings: Meanings) -> None:
    parents = {name.rpartition(".")[2]: parent for name, parent in EXCEPTIONS.items()}
    for name in parents:
        line, one = [name], parents[name]
        while one:
            line.append(one)
            one = parents[one]
        meanings.exceptions[name] = tuple(line)
    meanings.member_decorators |= MEMBER_DECORATORS
    for names, meaning in MEANINGS.items():
        for name in names.split():
            meanings.calls[name if "." in name else f"builtins.{name}"] = meaning


def _first(arguments: Arguments) -> Value:
    return arguments.positional[0] if arguments.positional else arguments.more or UNKNOWN


def _list(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional and arguments.more is None:
        return flow.allocate(state, ListRecord((), None))
    iteration = _first(arguments).iterate(flow, state, at, False)
    return flow.allocate(state, ListRecord.of(iteration))


def _set(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return flow.allocate(state, ListRecord((), None, "set"))
    iteration = _first(arguments).iterate(flow, state, at, False)
    hashed(flow, state, iteration, at)
    return flow.allocate(state, ListRecord.of(iteration, "set"))


def _tuple(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return TupleValue(())
    iteration = _first(arguments).iterate(flow, state, at, False)
    if iteration.items is not None:
        return TupleValue(iteration.items)
    return flow.allocate(state, ListRecord.of(iteration, "tuple"))


def _one(iteration: Iteration) -> Value | None:
    if iteration.items is not None:
        return union(iteration.items) if iteration.items else None
    return iteration.element


def _sorted(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iteration = _first(arguments).iterate(flow, state, at, False)
    _apply_key(flow, state, arguments, iteration, at)
    return flow.allocate(state, ListRecord(None, _one(iteration), "list", iteration.may_be_empty))


def _apply_key(flow: Flow, state: State, arguments: Arguments, iteration: Iteration, at: Span) -> None:
    key = arguments.keywords.get("key")
    if key is None or key == NONE:
        ordered(flow, state, iteration, at)
        return
    for item in iteration.items if iteration.items is not None else (iteration.element,):
        if item is not None:
            key.call(flow, state, Arguments((item,)), at)


def _extreme(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) > 1:
        iteration = Iteration(items=arguments.positional, may_be_empty=False)
    else:
        iteration = _first(arguments).iterate(flow, state, at, False)
    _apply_key(flow, state, arguments, iteration, at)
    found = _one(iteration)
    default = arguments.keywords.get("default")
    if found is None:
        return default or UNKNOWN
    return found if default is None else join(found, default)


def _consume(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    _first(arguments).iterate(flow, state, at, False)
    return UNKNOWN


def _len(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = _first(arguments)
    for one in alternatives(value):
        if isinstance(one, Reference):
            record = state.record(one.oid)
            if record.class_info() is not None:
                record.length(flow, state, one, at)
                return UNKNOWN
    iteration = value.iterate(flow, state, at, False)
    return UNKNOWN if iteration.items is None else Constant(len(iteration.items))


def _bool(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    truth = _first(arguments).truth(state)
    return UNKNOWN if truth is None else Constant(truth)


def _str(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _first(arguments).formatted(flow, state, at) if arguments.positional else Constant("")


def _repr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _first(arguments).represented(flow, state, at)


def _print(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    for value in arguments.positional:
        value.formatted(flow, state, at)
    return NONE


def _enumerate(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iteration = _first(arguments).iterate(flow, state, at, False)
    if iteration.items is not None:
        pairs = tuple(TupleValue((Constant(i), item)) for i, item in enumerate(iteration.items))
        return flow.allocate(state, ListRecord(pairs, None, "iterator", not pairs))
    if iteration.element is None:
        return flow.allocate(state, ListRecord((), None, "iterator"))
    pair = TupleValue((UNKNOWN, iteration.element))
    return flow.allocate(state, ListRecord(None, pair, "iterator", iteration.may_be_empty))


def _zip(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iterations = [value.iterate(flow, state, at, False) for value in arguments.positional]
    if iterations and all(one.items is not None for one in iterations):
        rows = tuple(TupleValue(row) for row in zip(*(one.items or () for one in iterations), strict=False))
        return flow.allocate(state, ListRecord(rows, None, "iterator", not rows))
    row = TupleValue(tuple(_one(one) or UNKNOWN for one in iterations))
    return flow.allocate(state, ListRecord(None, row, "iterator"))


def _map(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, *sources = arguments.positional
    iterations = [source.iterate(flow, state, at, False) for source in sources]
    if len(iterations) == 1 and iterations[0].items is not None and is_short(iterations[0].items):
        results = tuple(function.call(flow, state, Arguments((item,)), at) for item in iterations[0].items)
        return flow.allocate(state, ListRecord(results, None, "iterator", not results))
    given = tuple(_one(one) or UNKNOWN for one in iterations)
    since = flow.counter
    result = function.call(flow, state, Arguments(given), at)
    flow.repeated(state, since)
    return flow.allocate(state, ListRecord(None, result, "iterator"))


def _filter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, source = arguments.positional[:2]
    element = _one(source.iterate(flow, state, at, False))
    if element is not None and function != NONE:
        function.call(flow, state, Arguments((element,)), at)
    return flow.allocate(state, ListRecord(None, element, "iterator"))


def _range(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`range(3)` is not empty: the loop over it runs."""
    bounds = [one.value for one in arguments.positional if isinstance(one, Constant)]
    numbers = [one for one in bounds if isinstance(one, int)]
    is_known = len(numbers) == len(arguments.positional) and 0 < len(numbers) < 4 and numbers[2:] != [0]
    return flow.allocate(state, ListRecord(None, UNKNOWN, "range", not (is_known and range(*numbers))))


def _reduce(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, source, *initial = arguments.positional
    iteration = source.iterate(flow, state, at, False)
    items = iteration.items if iteration.items is not None else (iteration.element,) * 2
    for one in (item for item in items if item is not None):
        initial = [function.call(flow, state, Arguments((initial[0], one)), at) if initial else one]
    return initial[0] if initial and iteration.items is not None else UNKNOWN


def _queue(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return flow.allocate(state, ListRecord((), None, "queue"))


def _iter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = _first(arguments)
    if isinstance(value, Reference) and not isinstance(state.record(value.oid), (ListRecord, DictRecord)):
        return value
    return flow.allocate(state, ListRecord.of(value.iterate(flow, state, at, False), "iterator"))


def _aiter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _first(arguments)


def _next(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _drawn(flow, state, arguments, at, is_async=False)


def _drawn(flow: Flow, state: State, arguments: Arguments, at: Span, is_async: bool) -> Value:
    found = _one(_first(arguments).drawn(flow, state, at, is_async))
    default = arguments.get(1, "default")
    if found is None:
        return default or UNKNOWN
    return found if default is None else join(found, default)


def _anext(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Ready(_drawn(flow, state, arguments, at, is_async=True))


def _getattr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    target, name = arguments.positional[:2]
    default = arguments.positional[2] if len(arguments.positional) > 2 else None
    if isinstance(name, Constant) and isinstance(name.value, str):
        has = target.has_attribute(flow, state, name.value, at) if default is not None else True
        if has is False and default is not None:
            return default
        value = target.attribute(flow, state, name.value, at)
        if default is not None and (value is UNKNOWN or has is None):
            return join(value, default)
        return value
    return UNKNOWN


def _setattr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) == 3:
        target, name, value = arguments.positional
        if isinstance(name, Constant) and isinstance(name.value, str):
            target.set_attribute(flow, state, name.value, value, at)
    return NONE


def _hasattr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`hasattr` reads the attribute: what raises there raises here."""
    if len(arguments.positional) == 2:
        target, name = arguments.positional
        if isinstance(name, Constant) and isinstance(name.value, str):
            has = target.has_attribute(flow, state, name.value, at)
            if has is not False:
                target.attribute(flow, state, name.value, at)
            return UNKNOWN if has is None else Constant(has)
    return UNKNOWN


def _isinstance(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """What is told before it is asked: `is_async = isinstance(engine, AsyncEngine)`."""
    if len(arguments.positional) != 2:
        return UNKNOWN
    value, classes = arguments.positional
    wanted = classes.elements if isinstance(classes, TupleValue) else (classes,)
    answers = {flow.types.is_instance(state, one, wanted) for one in alternatives(value)}
    answer = answers.pop() if len(answers) == 1 else None
    return UNKNOWN if answer is None else Constant(answer)


def _type(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = _first(arguments)
    if isinstance(value, Reference) and len(arguments.positional) == 1:
        record = state.record(value.oid)
        if isinstance(record, ObjectRecord):
            return record.cls
        info = record.class_info()
        if info is not None:
            return ClassValue(info)
    return UNKNOWN


def _dict(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    record = DictRecord({}, arguments.more_keywords)
    if arguments.positional:
        source = arguments.positional[0]
        known = state.record(source.oid) if isinstance(source, Reference) else None
        if isinstance(known, DictRecord):
            record = known
        else:
            iteration = source.iterate(flow, state, at, False)
            for pair in iteration.items if iteration.items is not None else (iteration.element,):
                if isinstance(pair, TupleValue) and len(pair.elements) == 2:
                    record = record.with_item(pair.elements[0], pair.elements[1])
                else:
                    record = DictRecord(record.entries, UNKNOWN)
    for name, value in arguments.keywords.items():
        record = record.with_item(Constant(name), value)
    return flow.allocate(state, record)


def _super(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    frame = flow.frame
    if len(arguments.positional) == 2 and isinstance(arguments.positional[0], ClassValue):
        return SuperValue(arguments.positional[0].info, arguments.positional[1])
    if frame.owner is None or frame.receiver is None:
        return UNKNOWN
    return SuperValue(frame.owner, frame.receiver)


def _property(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    function = arguments.get(0, "fget")
    return UNKNOWN if function is None else Getting(function)


def _partial(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return UNKNOWN
    rest = Arguments(arguments.positional[1:], arguments.keywords, arguments.more, arguments.more_keywords)
    return Partial(arguments.positional[0], rest, flow.site(at))


class Keeps(Value, frozen=True):
    """A decorator that gives back what it is given (`functools.wraps(f)`), or marks it as `kind`."""

    kind: str = ""

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        value = _first(arguments)
        return Decorated(self.kind, value) if self.kind and isinstance(value, FunctionValue) else value


def _wraps(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Keeps()


def _context_manager(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = _first(arguments)
    return Decorated("contextmanager", value) if isinstance(value, FunctionValue) else value


def _cached(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = _first(arguments)
    if isinstance(value, FunctionValue):
        return Decorated("cached", value)
    return Keeps("cached")


def _cast(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """What is known stays, unless it is no instance of what the program knows better."""
    value = arguments.get(1, "val") or UNKNOWN
    call = flow.calling
    if call is None or call.span != at or not call.arguments:
        return value
    frame = flow.frame
    if value is UNKNOWN and isinstance(arguments.get(0, "typ"), ClassValue):
        return flow.types.annotation_value(state, frame, call.arguments[0], at)
    wanted = flow.types.classes(frame, call.arguments[0])
    if not wanted or value is UNKNOWN:
        return value
    kept = tuple(
        one for one in alternatives(value) if flow.types.is_instance(state, one, wanted) is not False
    )
    return union(kept) if kept else UNKNOWN


def _same(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _first(arguments)


def _chain(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    record = ListRecord((), None, "iterator")
    for value in arguments.positional:
        record = record.with_more(value.iterate(flow, state, at, False))
    if arguments.more is not None:
        record = record.with_more(arguments.more.iterate(flow, state, at, False))
    return flow.allocate(state, record)


def _chain_nested(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    outer = _first(arguments).iterate(flow, state, at, False)
    record = ListRecord((), None, "iterator")
    for value in outer.items if outer.items is not None else (outer.element,):
        if value is not None:
            inner = value.iterate(flow, state, at, False)
            record = record.with_more(inner if outer.items is not None else Iteration(element=_one(inner)))
    return flow.allocate(state, record)


def _group_by(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iteration = _first(arguments).iterate(flow, state, at, False)
    keyed = {"key": arguments.positional[1]} if len(arguments.positional) > 1 else arguments.keywords
    if keyed:
        _apply_key(flow, state, Arguments((), keyed), iteration, at)
    group = flow.allocate(state, ListRecord(None, _one(iteration), "iterator"))
    return flow.allocate(state, ListRecord(None, TupleValue((UNKNOWN, group)), "iterator"))


def _environment(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """The environment overrides a default that the program names."""
    default = arguments.get(1, "default")
    return UNKNOWN if default is None else union((default, UNKNOWN))


def _exit(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    raise PathEnds(Outcome("raise", state, ExternalValue("builtins.SystemExit")))


def _default_dict(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    made = _first(arguments).call(flow, state, Arguments(), at) if arguments.positional else None
    return flow.allocate(state, DictRecord({}, made if isinstance(made, Reference) else None))


def _attrgetter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    names = [one.value for one in arguments.positional if isinstance(one, Constant)]
    return Getter(tuple(name for name in names if isinstance(name, str)))


def _itemgetter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return ItemGetter(arguments.positional)


class ItemGetter(Value, frozen=True):
    """`operator.itemgetter(0)`."""

    keys: tuple[Value, ...]

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        found = tuple(_first(arguments).item(flow, state, key, at) for key in self.keys)
        return found[0] if len(found) == 1 else TupleValue(found)


def _methodcaller(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    name, rest = _first(arguments), Arguments(arguments.positional[1:], arguments.keywords)
    if isinstance(name, Constant) and isinstance(name.value, str):
        return MethodCaller(name.value, rest)
    return UNKNOWN


class MethodCaller(Value, frozen=True):
    """`operator.methodcaller("as_json")`."""

    name: str
    arguments: Arguments

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return _first(arguments).attribute(flow, state, self.name, at).call(flow, state, self.arguments, at)


class Getter(Value, frozen=True):
    """`operator.attrgetter("a.b")`."""

    names: tuple[str, ...]

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        found: list[Value] = []
        for path in self.names:
            value = _first(arguments)
            for name in path.split("."):
                value = value.attribute(flow, state, name, at)
            found.append(value)
        return found[0] if len(found) == 1 else TupleValue(tuple(found))


MEANINGS = {
    "list collections.deque": _list,
    "set frozenset": _set,
    "tuple": _tuple,
    "sorted": _sorted,
    "reversed": _list,
    "min max": _extreme,
    "any all sum": _consume,
    "len": _len,
    "bool": _bool,
    "str format": _str,
    "repr ascii": _repr,
    "print pprint.pprint": _print,
    "enumerate": _enumerate,
    "zip": _zip,
    "map": _map,
    "filter": _filter,
    "functools.reduce": _reduce,
    "range": _range,
    "asyncio.Queue asyncio.LifoQueue asyncio.PriorityQueue": _queue,
    "iter": _iter,
    "aiter": _aiter,
    "next": _next,
    "anext": _anext,
    "getattr": _getattr,
    "setattr": _setattr,
    "hasattr": _hasattr,
    "isinstance": _isinstance,
    "type": _type,
    "dict collections.OrderedDict": _dict,
    "super": _super,
    "property functools.cached_property": _property,
    "functools.partial": _partial,
    "functools.wraps": _wraps,
    "contextlib.asynccontextmanager contextlib.contextmanager": _context_manager,
    "functools.lru_cache functools.cache async_lru.alru_cache": _cached,
    "typing.cast": _cast,
    "copy.copy copy.deepcopy asyncio.shield inspect.unwrap textwrap.dedent inspect.cleandoc": _same,
    "itertools.chain": _chain,
    "itertools.chain.from_iterable": _chain_nested,
    "itertools.groupby": _group_by,
    "os.getenv os.environ.get": _environment,
    "sys.exit exit quit os._exit": _exit,
    "collections.defaultdict": _default_dict,
    "operator.attrgetter": _attrgetter,
    "operator.itemgetter": _itemgetter,
    "operator.methodcaller": _methodcaller,
}
