"""What a condition means: a tree whose leaves are channels and numbers.

Three values (Kleene): a gap, a value too old, or a division by zero is *unknown*, here ``None``. ``False and unknown``
is false, ``True or unknown`` is true, everything else that touches the unknown is unknown. Unknown is never false.

Not here: how a condition is written (``parsing``), how old a value may be (``latest``).
"""

import math
import operator
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple


class Ref(NamedTuple):
    """A channel of a sensor; its value is that of the latest scan."""

    sensor: str
    channel: str

    def __str__(self) -> str:
        """As it is written in a condition."""
        return f"{self.sensor}.{self.channel}"


Read = Callable[[Ref], float | None]
"""The present value of a channel, ``None`` for unknown."""


class Number(NamedTuple):
    """A constant."""

    number: float

    def value(self, read: Read) -> float | None:
        """Itself."""
        del read
        return self.number

    def refs(self) -> Iterator[Ref]:
        """None."""
        return iter(())


class Value(NamedTuple):
    """What a channel measures."""

    ref: Ref

    def value(self, read: Read) -> float | None:
        """As read."""
        return read(self.ref)

    def refs(self) -> Iterator[Ref]:
        """The one."""
        yield self.ref


class Apply(NamedTuple):
    """A function of ``FUNCTIONS`` over numbers."""

    name: str
    arguments: tuple["Numeric", ...]

    def value(self, read: Read) -> float | None:
        """Unknown where an argument is, or where the result is no finite number."""
        known: list[float] = []
        for argument in self.arguments:
            if (one := argument.value(read)) is None:
                return None
            known.append(one)
        try:
            result = FUNCTIONS[self.name](*known)
        except ArithmeticError:
            return None
        return result if math.isfinite(result) else None

    def refs(self) -> Iterator[Ref]:
        """Those of its arguments."""
        for argument in self.arguments:
            yield from argument.refs()


Numeric = Number | Value | Apply


class Compare(NamedTuple):
    """A comparison of ``COMPARISONS``."""

    symbol: str
    left: Numeric
    right: Numeric

    def holds(self, read: Read) -> bool | None:
        """Unknown where a side is."""
        left, right = self.left.value(read), self.right.value(read)
        return None if left is None or right is None else COMPARISONS[self.symbol](left, right)

    def refs(self) -> Iterator[Ref]:
        """Those of both sides."""
        yield from self.left.refs()
        yield from self.right.refs()


class IsOn(NamedTuple):
    """A channel used as a condition: whether it is not 0."""

    ref: Ref

    def holds(self, read: Read) -> bool | None:
        """Unknown where the channel is."""
        value = read(self.ref)
        return None if value is None else value != 0

    def refs(self) -> Iterator[Ref]:
        """The one."""
        yield self.ref


class Not(NamedTuple):
    """The opposite."""

    of: "Condition"

    def holds(self, read: Read) -> bool | None:
        """Unknown stays unknown."""
        held = self.of.holds(read)
        return None if held is None else not held

    def refs(self) -> Iterator[Ref]:
        """Those of what it turns."""
        return self.of.refs()


class Join(NamedTuple):
    """``and`` or ``or`` of two conditions."""

    word: str
    left: "Condition"
    right: "Condition"

    def holds(self, read: Read) -> bool | None:
        """One side may decide, however unknown the other is."""
        decisive = self.word == "or"
        left = self.left.holds(read)
        if left is decisive:
            return left
        right = self.right.holds(read)
        if right is decisive:
            return right
        return None if left is None or right is None else not decisive

    def refs(self) -> Iterator[Ref]:
        """Those of both sides."""
        yield from self.left.refs()
        yield from self.right.refs()


Condition = Compare | IsOn | Not | Join
Expression = Numeric | Condition

COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

FUNCTIONS: Final[dict[str, Callable[..., float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "negative": operator.neg,
    "abs": abs,
    "min": min,
    "max": max,
}
