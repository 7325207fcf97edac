"""A lock file's entries: exact versions, the machines they are for, and the hashes a wheel may have.

Form: what ``uv pip compile --generate-hashes`` writes and ``pip --require-hashes`` reads.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from operations.publishing.errors import StagingError
from operations.publishing.targets import Target

_ENTRY: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>[^\\]*?))?\s*(?:\\|$)"
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one distribution.

    Attributes:
        name: Normalised (PEP 503).
        version: Exact.
        marker: For which machines; empty for all.
        sha256: Of every file that may be it, hexadecimal.
    """

    name: str
    version: str
    marker: str
    sha256: frozenset[str]

    def is_for(self, target: Target) -> bool:
        """Whether this machine installs it."""
        return not self.marker or Marker(self.marker).evaluate(dict(target.environment))


def read(path: Path) -> list[Pin]:
    """Every entry of a lock file.

    Raises:
        StagingError: It cannot be read, or a line is not of the form above.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise StagingError(f"{path}: {exc.strerror}", remedy="make lock") from exc
    return list(_pins(path, text))


def _pins(path: Path, text: str) -> Iterator[Pin]:
    for block in re.split(r"\n(?=\S)", text.strip()):
        found = _ENTRY.match(block)
        if found is None:
            raise StagingError(f"{path}: `{block.splitlines()[0]}` is not NAME==VERSION", remedy="make lock")
        yield Pin(
            name=canonicalize_name(found["name"]),
            version=found["version"],
            marker=(found["marker"] or "").strip(),
            sha256=frozenset(_HASH.findall(block)),
        )


def chosen(pins: list[Pin], names: list[str], target: Target) -> list[Pin]:
    """The pins of these distributions for one machine, sorted by name.

    Raises:
        StagingError: A distribution is not in the lock file at all.
    """
    wanted = {canonicalize_name(name) for name in names}
    if unknown := sorted(wanted - {pin.name for pin in pins}):
        raise StagingError(
            f"{unknown[0]} is not in requirements/gateway.lock", remedy="add it to gateway.in, make lock"
        )
    return sorted((pin for pin in pins if pin.name in wanted and pin.is_for(target)), key=lambda pin: pin.name)
