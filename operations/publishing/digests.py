"""``build/digests.json``: what was staged, by digest, so that a guard can tell stale from fresh and new from known."""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from operations.publishing.errors import StagingError

DIGESTS_FILE: Final = "digests.json"


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """One archive.

    Attributes:
        component: Its name.
        version: Of the component.
        architecture: By Greengrass's name.
        archive: File name.
        sha256: Of the archive, hexadecimal.
        source: Of our own files in it, hexadecimal SHA-256.
    """

    component: str
    version: str
    architecture: str
    archive: str
    sha256: str
    source: str


def write_digests(path: Path, digests: list[Digest]) -> None:
    """Adds to what the file holds; a component that was staged anew is replaced, a file that cannot be read dropped."""
    fresh = {one.component for one in digests}
    kept: list[Digest] = []
    with contextlib.suppress(StagingError):
        kept = [one for one in read_digests(path) if one.component not in fresh]
    every = sorted([*kept, *digests], key=lambda one: (one.component, one.archive))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(every), indent=1) + b"\n")


def read_digests(path: Path) -> list[Digest]:
    """What was staged.

    Raises:
        StagingError: Nothing was, or the file is not what it should be.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Digest])
    except OSError as exc:
        raise StagingError(f"{path}: {exc.strerror}", remedy="thresher components stage") from exc
    except msgspec.DecodeError as exc:
        raise StagingError(f"{path}: {exc}", remedy="remove it and stage again") from exc
