"""Signed documents are read strictly: what two readers could understand differently is not read at all.

Refused: a document too long, nested too deep, not UTF-8, with a name twice in one object, an unknown field, a value
outside its type. What is signed are bytes, so spaces and the order of names are free.
"""

import json
from typing import Any, TypeVar

import msgspec

from device_agent.fleet.trust.errors import UntrustedError

T = TypeVar("T")


def read(data: bytes, form: type[T], *, what: str, most: int) -> T:
    """One document.

    Args:
        data: Its bytes.
        form: Its type.
        what: What to call it in an error.
        most: Bytes it may have.

    Raises:
        UntrustedError: It is not of its form; the check is ``document``.
    """
    if len(data) > most:
        raise UntrustedError("document", f"{what} has {len(data)} bytes, more than {most}")
    try:
        json.loads(data, object_pairs_hook=_without_twins)
        return msgspec.json.decode(data, type=form)
    except (ValueError, RecursionError) as exc:  # msgspec's and json's errors are ValueErrors
        raise UntrustedError("document", f"{what}: {exc}") from exc


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twin!r} stands in it twice")
    return named
