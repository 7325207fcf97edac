"""Every value in force, with whose it is: a layer's, or a default of the program."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from device_agent.config.layers import Origin, Path, spelt
from device_agent.config.loading import Loaded

DEFAULT: Final = "default"
_SET_NOWHERE: Final = Origin(DEFAULT)


class Valued(msgspec.Struct, frozen=True, kw_only=True):
    """One value.

    Attributes:
        place: Where it stands, e.g. ``$.sensors[0].rate_hz``.
        value: In force; paths as they are after relative ones were taken from the document's folder.
        source: File that set it, or ``default``.
        over: Files that had set it too, and count less.
    """

    place: str
    value: Any
    source: str
    over: Sequence[str] = ()


def origins_of(loaded: Loaded) -> list[Valued]:
    """All of them, in the document's order."""
    found = []
    for path, value in _values(msgspec.to_builtins(loaded.config), ()):
        origin = loaded.document.merged.origins.get(path, _SET_NOWHERE)
        found.append(Valued(place=spelt(path), value=value, source=origin.source, over=origin.over))
    return found


def _values(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - a document's values are of any type
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _values(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _values(item, (*path, index))
    else:
        yield path, value
