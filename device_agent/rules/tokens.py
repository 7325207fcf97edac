"""A condition's text as words with their places. Nothing of it is ever run: no ``eval``, no names but channels."""

import re
from typing import Final, NamedTuple

LONGEST: Final = 1000
"""Characters of a condition."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | `(?P<quoted>[^`]*)`
    | (?P<name>[^\W\d](?:\w|-(?=\w))*\.\w(?:\w|-(?=\w))*)
    | (?P<word>[^\W\d]\w*)
    | (?P<symbol><=|>=|==|!=|[-<>+*/(),])
    )""",
    re.VERBOSE,
)
_HINTS: Final = {"=": "write == to compare", "&": "write `and`", "|": "write `or`", "!": "write `not`, or !="}


class Token(NamedTuple):
    """A word.

    Attributes:
        kind: ``number``, ``name`` (of a channel), ``word``, ``symbol``, or ``end``.
        text: As written, backticks taken off.
        at: Place of its first character, from 0.
    """

    kind: str
    text: str
    at: int


class MistakeError(Exception):
    """A condition that cannot be understood.

    Attributes:
        at: Place in the text, from 0.
        what: What is wrong there.
        remedy: What to try.
    """

    def __init__(self, at: int, what: str, remedy: str) -> None:
        super().__init__(what)
        self.at, self.what, self.remedy = at, what, remedy


def tokens(text: str) -> list[Token]:
    """All words, and one of the kind ``end``.

    Raises:
        MistakeError: There is something that is no word of a condition.
    """
    if len(text) > LONGEST:
        raise MistakeError(LONGEST, f"longer than {LONGEST} characters", "use several rules")
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _unknown(text, place)
        kind = match.lastgroup
        found.append(Token("name" if kind == "quoted" else kind, match[kind], match.start(kind) - (kind == "quoted")))
        place = match.end()
    return [*found, Token("end", "the end", end)]


def _unknown(text: str, place: int) -> MistakeError:
    at = place + len(text[place:]) - len(text[place:].lstrip())
    remedy = _HINTS.get(text[at], "use numbers, `sensor.channel`, comparisons, and, or, not, parentheses")
    return MistakeError(at, f"`{text[at]}` means nothing here", remedy)
