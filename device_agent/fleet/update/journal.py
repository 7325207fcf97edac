"""What the update machine is about to do, on disk before it does it.

One small file, replaced whole (``files.atomic_write``): a cut leaves the phase before or the one begun. SQLite would
add nothing, since there is one row and one writer. Readers take from it what ``UpdateState`` names.

A file that cannot be read (damage) is put aside and said; what is in use stays in use, and whoever waits for an order
submits it again.
"""

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from contract.manifest import Manifest
from device_agent.errors import UpdateError
from device_agent.files import atomic_write, make_folder, sync_folder
from device_agent.fleet.port import Outcome
from device_agent.fleet.update.port import Order, UpdateState

STATE_FILE: Final = "state.json"
SPARE_FILE: Final = ".spare"
SPARE_BYTES: Final = 64 * 1024
"""Held back on disk, so that a full one can still be told that an update is undone."""

logger = logging.getLogger(__name__)


class Journal(UpdateState, frozen=True, kw_only=True):
    """Everything the machine must know after a kill.

    Attributes:
        order: That runs.
        manifest: Of its bundle, once verified.
        tree_sha256: Of the staged folder's tree, to find rot.
        previous: The release in use before this one.
        before: What the probe noted of it.
        outcome: How the order will have ended, once that is decided.
        tries: How often this phase has begun.
    """

    order: Order | None = None
    manifest: Manifest | None = None
    tree_sha256: str = ""
    previous: str = ""
    before: str = ""
    outcome: Outcome | None = None
    tries: int = 0


class JournalError(UpdateError):
    """It cannot be written: nothing may be done until it can."""


class JournalFile:
    """The file. One writer; any number of readers by ``read_state``.

    Args:
        folder: Where it lies; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder, 0o700)
        self._path = folder / STATE_FILE
        self._spare = folder / SPARE_FILE

    def load(self) -> Journal:
        """What was saved last; a fresh one where there is none, or only damage.

        Raises:
            JournalError: It cannot be read now. What it says stays: it may be of a version on probation.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Journal)
        except FileNotFoundError:
            return Journal()
        except OSError as exc:
            raise JournalError(
                f"{self._path}: {exc.strerror or exc}", remedy="check the disk; it is tried again"
            ) from exc
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            aside = self._path.with_name(f"{STATE_FILE}.corrupt-{time.time_ns()}")
            logger.error("update.journal_damaged", extra={"reason": str(exc), "kept": str(aside)})  # noqa: TRY400 - says it all
            with contextlib.suppress(OSError):
                self._path.rename(aside)
            return Journal()

    def save(self, journal: Journal) -> Journal:
        """Makes it durable, on a full disk with the space held back for that; returns it.

        Raises:
            JournalError: Not even so.
        """
        data = msgspec.json.encode(journal)
        try:
            self._write(data)
        except OSError as exc:
            raise JournalError(
                f"{self._path}: {exc.strerror or exc}", remedy="free space, or mount it writable"
            ) from exc
        return journal

    def _write(self, data: bytes) -> None:
        try:
            atomic_write(self._path, data)
        except OSError:
            if not self._spare.exists():
                raise
            self._spare.unlink()
            atomic_write(self._path, data)
        else:
            self._hold()

    def _hold(self) -> None:
        """The space is taken when there is plenty, which is when the last write went well."""
        if self._spare.exists():
            return
        with contextlib.suppress(OSError):
            descriptor = os.open(self._spare, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, SPARE_BYTES)
            finally:
                os.close(descriptor)
            sync_folder(self._spare.parent)


def read_state(folder: Path) -> UpdateState:
    """What readers may know; an empty state where nothing can be read."""
    try:
        return msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=UpdateState)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return UpdateState()
