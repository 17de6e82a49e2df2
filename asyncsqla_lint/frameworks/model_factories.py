"""factory_boy and polyfactory: classes that build instances of a mapped class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.semantics.writing import construct

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.models import Model

_PLAIN = ("factory.Factory", "factory.base.Factory")
_MAPPED = ("factory.alchemy.SQLAlchemyModelFactory",)
_DRAWN = (
    "polyfactory.factories.sqlalchemy_factory.SQLAlchemyFactory",
    "polyfactory.factories.SQLAlchemyFactory",
)
_ONE, _SEVERAL = "build", "build_batch"
_RELATIONSHIPS = "__set_relationships__"


def register(meanings: Meanings) -> None:
    meanings.when_instantiated.insert(0, _called)
    meanings.when_class_read.append(_class_read)


def _called(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    """`OrderFactory()` creates, which is to build where no session is known."""
    if not _is_one_of(cls.info, *_PLAIN) or _is_one_of(cls.info, *_MAPPED):
        return None
    return Builder(cls.info).call(flow, state, arguments, at)


def _class_read(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    if cls.info.find(name) is not None:
        return None
    if _is_one_of(cls.info, *_DRAWN):
        return {_ONE: Builder(cls.info), "batch": Builder(cls.info, is_several=True)}.get(name)
    if _is_one_of(cls.info, *_PLAIN, *_MAPPED):
        return {_ONE: Builder(cls.info), _SEVERAL: Builder(cls.info, is_several=True)}.get(name)
    return None


def _is_one_of(cls: ClassInfo, *names: str) -> bool:
    return not set(names).isdisjoint(cls.external_bases)


class Builder(Value, frozen=True):
    """`OrderFactory.build(code="x")`: a new object that no session knows."""

    cls: ClassInfo
    is_several: bool = False

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        model = _model_of(flow, self.cls)
        if model is None or arguments.more_keywords is not None:
            return UNKNOWN
        declared = _drawn(self.cls, model) if _is_one_of(self.cls, *_DRAWN) else _declared(self.cls)
        known = {name for name in declared if name in model.attributes}
        words = {name: value for name, value in arguments.keywords.items() if name in model.attributes}
        given = {**dict.fromkeys(sorted(known), UNKNOWN), **words}
        made = construct(flow, state, ClassValue(model.cls), model, Arguments((), given), at)
        return flow.allocate(state, ListRecord(element=made)) if self.is_several else made


def _model_of(flow: Flow, cls: ClassInfo) -> Model | None:
    """`class Meta: model = Order`, `SQLAlchemyFactory[Order]`, `__model__ = Order`."""
    for ancestor in cls.ancestors:
        meta = ancestor.members.get("Meta")
        said = meta.cls.members.get("model") if meta is not None and meta.cls is not None else None
        said = said or ancestor.members.get("__model__")
        if said is not None and said.value is not None:
            found = flow.index.resolve(ancestor.module, said.value, ancestor)
            return flow.index.model(found) if isinstance(found, ClassInfo) else None
        for base in ancestor.bases:
            argument = flow.index.type(base.arguments[0]).symbol if base.arguments else None
            if isinstance(argument, ClassInfo):
                return flow.index.model(argument)
    return None


def _declared(cls: ClassInfo) -> set[str]:
    """What factory_boy passes to the constructor: what the bodies of the classes say, and no more."""
    return {name for ancestor in cls.ancestors for name in ancestor.members}


def _drawn(cls: ClassInfo, model: Model) -> set[str]:
    """What polyfactory draws: columns, and relationships unless it is told not to."""
    said = cls.find(_RELATIONSHIPS)
    value = None if said is None else said[1].value
    leaves_out = isinstance(value, p.Constant) and value.value is False
    return set(model.columns) | (_declared(cls) if leaves_out else set(model.relationships))
