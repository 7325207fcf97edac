"""A condition's text to its tree, or a mistake with its place.

```
condition  := both ("or" both)*                     number  := product (("+" | "-") product)*
both       := opposite ("and" opposite)*            product := factor (("*" | "/") factor)*
opposite   := "not" opposite | compared             factor  := "-" factor | "(" condition ")" | 12.5
compared   := number [("<" | "<=" | ">" | ">="                     | sensor.channel
                        | "==" | "!=") number]                     | ("abs" | "min" | "max") "(" number, … ")"
```
A channel is a number; where a condition is asked for, it is one too: whether it is not 0. No other number is a
condition, and no condition is a number. A ``-`` between letters belongs to the name; a difference has spaces round it.
A name with other characters stands in backticks.

Not here: whether channels exist (``checking``).
"""

from collections.abc import Callable
from typing import Final

from device_agent.rules.expression import (
    COMPARISONS,
    Apply,
    Compare,
    Condition,
    Expression,
    IsOn,
    Join,
    Not,
    Number,
    Numeric,
    Ref,
    Value,
)
from device_agent.rules.tokens import MistakeError, Token, tokens

DEEPEST: Final = 40
"""Parentheses, ``not`` and ``-`` within each other."""

_ARGUMENTS: Final = {"abs": (1, 1), "min": (2, 16), "max": (2, 16)}
_KEYWORDS: Final = frozenset({"and", "or", "not"})


def parse_condition(text: str) -> Condition:
    """The tree of a condition.

    Raises:
        MistakeError: It cannot be understood, or is a number.
    """
    parser = _Parser(tokens(text))
    condition = parser.condition()
    parser.end()
    return condition


class _Parser:
    """Goes over the words once; ``_next`` is the one it stands before."""

    def __init__(self, words: list[Token]) -> None:
        self._words, self._place, self._depth = words, 0, 0

    @property
    def _next(self) -> Token:
        return self._words[self._place]

    def condition(self) -> Condition:
        at = self._next.at
        return _condition(self._either(), at)

    def end(self) -> None:
        word = self._next
        if word.kind == "end":
            return
        if word.text in COMPARISONS:
            raise MistakeError(word.at, f"a second `{word.text}`", "compare twice, and join with `and`")
        raise MistakeError(word.at, f"`{word.text}` is not expected here", "put `and`, `or` or an operator before it")

    def _take(self) -> Token:
        self._place += 1
        return self._words[self._place - 1]

    def _took(self, text: str) -> bool:
        if self._next.text != text or self._next.kind not in {"word", "symbol"}:
            return False
        self._place += 1
        return True

    def _either(self) -> Expression:
        return self._joined("or", self._both)

    def _both(self) -> Expression:
        return self._joined("and", self._opposite)

    def _joined(self, word: str, part: Callable[[], Expression]) -> Expression:
        at = self._next.at
        left = part()
        while self._took(word):
            right_at = self._next.at
            left = Join(word, _condition(left, at), _condition(part(), right_at))
        return left

    def _opposite(self) -> Expression:
        if not self._took("not"):
            return self._compared()
        at = self._next.at
        self._deeper(at)
        inner = Not(_condition(self._opposite(), at))
        self._depth -= 1
        return inner

    def _compared(self) -> Expression:
        at = self._next.at
        left = self._number()
        if self._next.text not in COMPARISONS:
            return left
        symbol, right_at = self._take().text, self._next.at
        return Compare(symbol, _numeric(left, at), _numeric(self._number(), right_at))

    def _number(self) -> Expression:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Expression:
        return self._chain(("*", "/"), self._factor)

    def _chain(self, symbols: tuple[str, ...], part: Callable[[], Expression]) -> Expression:
        at = self._next.at
        left = part()
        while self._next.kind == "symbol" and self._next.text in symbols:
            symbol, right_at = self._take().text, self._next.at
            left = Apply(symbol, (_numeric(left, at), _numeric(part(), right_at)))
        return left

    def _factor(self) -> Expression:
        word = self._take()
        if word.kind == "number":
            return _constant(word)
        if word.kind == "name":
            return Value(_ref(word))
        if word.text == "-":
            self._deeper(word.at)
            inner_at = self._next.at
            negative = Apply("negative", (_numeric(self._factor(), inner_at),))
            self._depth -= 1
            return negative
        if word.text == "(" and word.kind == "symbol":
            return self._inside(word)
        if word.kind == "word" and word.text in _ARGUMENTS:
            return self._call(word)
        raise _unexpected(word)

    def _inside(self, opening: Token) -> Expression:
        self._deeper(opening.at)
        inner = self._either()
        self._close()
        self._depth -= 1
        return inner

    def _call(self, name: Token) -> Apply:
        if not self._took("("):
            raise MistakeError(self._next.at, f"`(` is missing after `{name.text}`", f"write {name.text}(…)")
        self._deeper(name.at)
        arguments = [self._argument()]
        while self._took(","):
            arguments.append(self._argument())
        self._close()
        self._depth -= 1
        fewest, most = _ARGUMENTS[name.text]
        if not fewest <= len(arguments) <= most:
            count = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise MistakeError(name.at, f"`{name.text}` of {len(arguments)}", f"give it {count} numbers")
        return Apply(name.text, tuple(arguments))

    def _argument(self) -> Numeric:
        at = self._next.at
        return _numeric(self._either(), at)

    def _close(self) -> None:
        if not self._took(")"):
            raise MistakeError(self._next.at, f"`)` is missing before {_shown(self._next)}", "close the parenthesis")

    def _deeper(self, at: int) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise MistakeError(at, f"more than {DEEPEST} levels deep", "use several rules")


def _condition(expression: Expression, at: int) -> Condition:
    if isinstance(expression, Value):
        return IsOn(expression.ref)
    if isinstance(expression, Number | Apply):
        raise MistakeError(at, "a number where a condition is needed", "compare it with something, as in `… > 5`")
    return expression


def _numeric(expression: Expression, at: int) -> Numeric:
    if isinstance(expression, Number | Value | Apply):
        return expression
    raise MistakeError(at, "a condition where a number is needed", "join conditions with `and`, `or`, `not`")


def _constant(word: Token) -> Number:
    number = float(word.text)
    if number == float("inf"):
        raise MistakeError(word.at, f"{word.text} is too large", "use a number below 1e308")
    return Number(number)


def _ref(word: Token) -> Ref:
    sensor, dot, channel = word.text.partition(".")
    if not (sensor and dot and channel):
        raise MistakeError(word.at, f"`{word.text}` names no channel", "write `sensor.channel`")
    return Ref(sensor, channel)


def _unexpected(word: Token) -> MistakeError:
    if word.kind == "word" and word.text not in _KEYWORDS:
        return MistakeError(
            word.at, f"`{word.text}` names no channel", "write the sensor's name before it: sensor.channel"
        )
    return MistakeError(
        word.at, f"{_shown(word)} where a number or channel is needed", "write sensor.channel or a number"
    )


def _shown(word: Token) -> str:
    return word.text if word.kind == "end" else f"`{word.text}`"
