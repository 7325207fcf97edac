"""What is known of executions, kept over restarts and power cuts: one file for each, replaced whole.

```
<folder>/<job id>.<execution number>.json          the newest that are told are kept, so that a copy is known as one
<folder>/….json.damaged                            what could not be read; its execution is unknown from then on
```
Not here: what an entry means (``entry``, ``recovery``). Why files: ``docs/adr/0047-a-job-is-a-file.md``.
"""

import contextlib
import logging
import threading
from pathlib import Path
from typing import Final

import msgspec

from device_agent.errors import JournalError
from device_agent.files import atomic_write
from device_agent.fleet.entry import Entry, Key
from device_agent.fleet.service.port import Execution

REMEMBERED: Final = 64
"""Executions whose end was told."""

logger = logging.getLogger(__name__)


class Journal:
    """Any thread may read and write.

    Args:
        folder: Made if it is missing; nobody else's.

    Attributes:
        damaged: Files that could not be read at the start.
        unwritten: Writes that failed.

    Raises:
        JournalError: The folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.RLock()
        self.damaged = self.unwritten = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in folder.glob(".*.tmp"):  # of a write that a cut ended
                path.unlink()
            found = [self._read(path) for path in folder.glob("*.json")]
        except OSError as exc:
            raise JournalError(f"{folder}: {exc.strerror or exc}", remedy="make it readable for this user") from exc
        self._entries: dict[Key, Entry] = {each.key: each for each in found if each is not None}

    def entries(self) -> list[Entry]:
        """All that is known, oldest first."""
        with self._mutex:
            return sorted(self._entries.values(), key=lambda each: each.order)

    def find(self, execution: Execution) -> Entry | None:
        """What is known of an execution; nothing where it is only the namesake of a job that was deleted."""
        with self._mutex:
            entry = self._entries.get((execution.job_id, execution.execution_number))
        return entry if entry is not None and entry.queued_at == execution.queued_at else None

    def next_order(self) -> int:
        """For the entry of a new execution."""
        with self._mutex:
            return max((each.order for each in self._entries.values()), default=0) + 1

    def keep(self, entry: Entry) -> None:
        """Writes down what is about to be done.

        Raises:
            JournalError: It is not written: then it must not be done.
        """
        with self._mutex:
            try:
                atomic_write(self._path(entry), msgspec.json.encode(entry))
            except OSError as exc:
                self.unwritten += 1
                raise JournalError(
                    f"{self._path(entry)}: {exc.strerror or exc}", remedy="make room, or mend the disk"
                ) from exc
            self._entries[entry.key] = entry

    def note(self, entry: Entry) -> None:
        """Takes down what has happened already, and on the disk if that is possible."""
        try:
            self.keep(entry)
        except JournalError as exc:
            logger.error("jobs.unwritten", extra={"job": entry.job_id, "reason": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
            with self._mutex:
                self._entries[entry.key] = entry

    def prune(self) -> None:
        """Forgets the oldest of those whose end was told."""
        with self._mutex:
            told = [each for each in self.entries() if each.phase == "told"]
            for each in told[:-REMEMBERED]:
                del self._entries[each.key]
                with contextlib.suppress(OSError):  # it is tried again with the next one
                    self._path(each).unlink()

    def _path(self, entry: Entry) -> Path:
        return self._folder / f"{entry.job_id}.{entry.execution_number}.json"

    def _read(self, path: Path) -> Entry | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Entry)
        except ValueError as exc:
            self.damaged += 1
            logger.error("jobs.damaged", extra={"path": str(path), "reason": str(exc)})  # noqa: TRY400 - its sentence says it all
            path.replace(path.with_name(f"{path.name}.damaged"))
            return None
