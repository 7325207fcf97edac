"""Semantic versions and the requirements that recipes put on them, in npm's syntax (``>=1.0.0 <2.0.0``, ``^1.2.0``).

Not here: which versions there are (``library``).
"""

import re
from typing import NamedTuple, Self

from twin.errors import TwinError

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_COMPARATOR = re.compile(r"(>=|<=|>|<|=|\^|~)?\s*v?([0-9][0-9A-Za-z.+-]*)")


class Version(NamedTuple):
    """Ordered as semantic versioning 2.0.0 says; a pre-release comes before its release."""

    major: int
    minor: int
    patch: int
    release: bool
    pre: tuple[tuple[int, int, str], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of ``1.2.3`` or ``1.2.3-rc.1``.

        Raises:
            TwinError: It is neither.
        """
        found = _VERSION.fullmatch(text)
        if found is None:
            raise TwinError(f"`{text}` is no version", remedy="write major.minor.patch, e.g. 1.0.0")
        pre = tuple(_identifier(part) for part in (found[4] or "").split(".") if part)
        return cls(int(found[1]), int(found[2]), int(found[3]), not pre, pre)


def satisfies(version: str, requirement: str) -> bool:
    """Whether a version is inside a requirement; empty and ``*`` take any.

    Raises:
        TwinError: One of them cannot be read.
    """
    given = Version.parse(version)
    return any(_all(given, part) for part in requirement.split("||"))


def best(versions: list[str], requirement: str) -> str | None:
    """The highest of them that a requirement takes."""
    fitting = [version for version in versions if satisfies(version, requirement)]
    return max(fitting, key=Version.parse, default=None)


def _all(given: Version, comparators: str) -> bool:
    text = comparators.replace(",", " ").strip()
    if text in ("", "*"):
        return True
    if _COMPARATOR.sub("", text).strip():
        raise TwinError(
            f"`{comparators}` is no version requirement", remedy="write e.g. >=1.0.0 <2.0.0, ^1.0.0 or 1.0.0"
        )
    return all(_one(given, sign or "=", Version.parse(wanted)) for sign, wanted in _COMPARATOR.findall(text))


def _one(given: Version, sign: str, wanted: Version) -> bool:
    if sign == "^":
        return wanted <= given and given[: _kept(wanted)] == wanted[: _kept(wanted)]
    if sign == "~":
        return wanted <= given and given[:2] == wanted[:2]
    return {
        "=": given == wanted,
        ">": given > wanted,
        "<": given < wanted,
        ">=": given >= wanted,
        "<=": given <= wanted,
    }[sign]


def _kept(wanted: Version) -> int:
    """How many leading numbers ``^`` keeps: up to the first that is not zero."""
    return 1 if wanted.major else 2 if wanted.minor else 3


def _identifier(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
