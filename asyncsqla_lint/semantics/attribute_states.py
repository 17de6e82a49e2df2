"""The state of an attribute: loaded, unloaded, expired, or in doubt, and why."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.values import UNKNOWN, Constant, Text, Value, join
from asyncsqla_lint.semantics.plans import Plan

LOADED, UNLOADED, EXPIRED, RAISES, DYNAMIC, UNSURE = 1, 2, 4, 8, 16, 32
WRONG = UNLOADED | EXPIRED | RAISES | DYNAMIC
CHOSEN = 64  # some paths' queries load it, others' do not: who calls where they part may tell them apart
SURE = 8  # where paths differ: how far up stands what is certainly wrong on one, while another is unsure
MOST_ROWS = 4  # that an attribute's state is told apart for
Key = tuple[tuple[str, Value], ...]


class Cause(Struct, frozen=True):
    """What took attributes away, and where."""

    what: str  # "commit", "rollback", "flush", "expire", "refresh", "populate_existing", "update", …
    site: Site | None = None
    certain: bool = True
    assumption: str = ""
    maker: Site | None = None  # of a commit: what made the session so that it expires on commit
    stays: bool = False  # a reload of the columns does not bring it back


FAILED = "a failed flush"  # of a cause
SAVEPOINT = "the savepoint's rollback"
WHOLE = frozenset((FAILED, SAVEPOINT, "commit", "rollback", "expire_all"))  # what expires all of an instance
# A new object's empty collection was read, not changed: it is not loaded after the flush.
LOOKED_AT = Cause("a look")
SERVER_SIDE = Cause("flush")
WRITTEN = Cause("assignment")  # by the program, not yet flushed
LINKED = Cause("assignment of the other side")


class AttributeState(Struct, frozen=True):
    """What is known of one attribute: a set of possibilities, and its value where there is one."""

    bits: int
    value: Value | None = None
    cause: Cause | None = None
    plan: Plan | None = None  # of the query that loaded it, where that is not the instance's own
    rows: tuple[Key, ...] = ()  # it is in doubt only if the instance is one of these
    otherwise: int = 0  # what it is if not

    def doubted(self) -> AttributeState:
        return replace(self, bits=in_doubt(self.bits), rows=(), otherwise=0)

    def settled(self) -> AttributeState:
        """The instance is none of the rows in question."""
        return replace(self, bits=self.otherwise, rows=(), otherwise=0)

    def joined(self, other: AttributeState) -> AttributeState:
        if self == other:
            return self
        if self.value is None or other.value is None:
            known, unknown = (self, other) if other.value is None else (other, self)
            value = known.value
            if unknown.bits & LOADED and isinstance(value, (Constant, Text)):
                value = join(value, UNKNOWN)  # loaded there too, with what nobody has looked at
        else:
            value = join(self.value, other.value)
        first, second = (other, self) if other.bits & WRONG and not self.bits & WRONG else (self, other)
        bits = _of_either(self.bits, other.bits)
        cause, plan = first.cause or second.cause, self.plan or other.plan
        if self.rows or other.rows:  # none of these on either path: then it is what it would be there
            otherwise = _of_either(self.otherwise_bits, other.otherwise_bits)
            rows = tuple(dict.fromkeys((*self.rows, *other.rows)))
            if len(rows) <= MOST_ROWS:
                return AttributeState(bits, value, cause, plan, rows, otherwise)
        if bits == self.bits and value is self.value and cause is self.cause and plan is self.plan:
            return self  # the one has what the other says: so it stays the same thing
        return AttributeState(bits, value, cause, plan)

    @property
    def otherwise_bits(self) -> int:
        return self.otherwise if self.rows else self.bits


def _of_either(bits: int, others: int) -> int:
    both = bits | others
    return both | (surely_wrong(bits) | surely_wrong(others)) << SURE if both & UNSURE else both


def surely_wrong(bits: int) -> int:
    """What is wrong whatever the data, on some path."""
    return bits >> SURE & WRONG if bits & UNSURE else bits & WRONG


def in_doubt(bits: int) -> int:
    """On every path only the data decides."""
    return bits & ~(WRONG << SURE) | UNSURE
