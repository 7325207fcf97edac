"""Which of two versions is the higher (Semantic Versioning 2.0, clause 11)."""

from typing import Any


def precedence(version: str) -> tuple[Any, ...]:
    """A key that sorts versions by precedence; what stands after ``+`` does not count.

    Args:
        version: ``MAJOR.MINOR.PATCH`` with or without ``-pre`` and ``+build``.

    Raises:
        ValueError: It is not of that form.
    """
    core, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    if not pre:
        return (numbers, 1)
    parts = ((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in pre.split("."))
    return (numbers, 0, tuple(parts))
