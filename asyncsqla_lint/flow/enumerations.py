"""What `enum.auto()` gives the member that it is written for."""

from __future__ import annotations

from asyncsqla_lint import program as p
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.names import External


def automatic(owner: ClassInfo, member: Member) -> int | str | None:
    """One more than the member before has; of a StrEnum its name. None: not automatic, or not known."""
    if not _is_automatic(owner, member) or owner.find("_generate_next_value_") is not None:
        return None
    if owner.is_subclass_of("enum.StrEnum"):
        return member.name.lower()
    is_flag = owner.is_subclass_of("enum.Flag")
    number = 0
    for other in owner.members.values():
        if other.value is None or other.function is not None:
            continue
        if _is_automatic(owner, other):
            number = number * 2 or 1 if is_flag else number + 1
        elif isinstance(other.value, p.Constant) and isinstance(other.value.value, int):
            number = other.value.value
        else:
            return None
        if other is member:
            return number
    return None


def _is_automatic(owner: ClassInfo, member: Member) -> bool:
    if not isinstance(member.value, p.Call) or member.value.arguments:
        return False
    made = owner.index.resolve(owner.module, member.value.function, owner)
    return isinstance(made, External) and made.name == "enum.auto"
