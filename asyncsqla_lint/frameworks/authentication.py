"""`request.user`: what the project's authentication has answered with before anybody handles the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.promises import opened
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, TupleValue, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.classes import ClassInfo
    from asyncsqla_lint.project.functions import FunctionInfo

USER = "user"
_AUTHENTICATES = {  # the method that is asked who it is
    "litestar.middleware.AbstractAuthenticationMiddleware": "authenticate_request",
    "litestar.middleware.authentication.AbstractAuthenticationMiddleware": "authenticate_request",
    "starlette.authentication.AuthenticationBackend": "authenticate",
}
_RESULTS = (
    "litestar.middleware.AuthenticationResult",
    "litestar.middleware.authentication.AuthenticationResult",
)


def register(meanings: Meanings) -> None:
    for name in _RESULTS:
        meanings.calls[name] = lambda flow, state, arguments, at: Result(arguments.get(0, USER) or UNKNOWN)


class Result(Value, frozen=True):
    """`AuthenticationResult(user=user, auth=None)`"""

    user: Value

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return self.user if name == USER else UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.user,)


def user_of(flow: Flow, state: State, connection: Value, at: Span) -> Value:
    """Whom the one authentication of the project finds; its own faults are said where it stands."""
    found = list(_methods(flow))
    if len(found) != 1:
        return UNKNOWN
    cls, method = found[0]
    with flow.silently():
        me = opened(flow, state, ClassValue(cls), at)
        answer = FunctionValue(method, (), me).call(flow, state, Arguments((connection,)), at)
        answer = answer.awaited(flow, state, at)
    if isinstance(answer, TupleValue):  # `return AuthCredentials(["staff"]), user`
        return answer.elements[1] if len(answer.elements) > 1 else UNKNOWN
    return answer.user if isinstance(answer, Result) else UNKNOWN


def _methods(flow: Flow) -> list[tuple[ClassInfo, FunctionInfo]]:
    found: dict[FunctionInfo, ClassInfo] = {}
    for base, name in _AUTHENTICATES.items():
        for cls in flow.index.derived_from(base):
            member = cls.find(name)
            if member is not None and member[1].function is not None and member[1].function.is_async:
                found.setdefault(member[1].function, cls)
    return [(cls, function) for function, cls in found.items()]
