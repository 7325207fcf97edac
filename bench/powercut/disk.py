"""A disk that loses power: which bytes are there afterwards.

The model, per file: what was there at its last fsync is there; of what was written since, each sector of 512 bytes
is there or not, by lot, a truncation too. Per folder: creations, renames and removals are journalled: those up to
some moment at or after the folder's last fsync happened, later ones did not. A name may come without its file's
bytes (ext4 without ``auto_da_alloc``, and every file system that promises no more than POSIX).

What this proves: code that survives every cut here needs no more from the disk than sectors of 512 bytes, flushes
that are true, and a journalled folder. What it does not: a disk that lies about flushes (some SD cards), one that
loses sectors long written (a worn one; that is ``tests/device_agent/spool/test_damage.py``), or tears a sector.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.powercut.recording import Kind, Step

SECTOR: Final = 512
SURVIVAL: Final = (0.0, 0.1, 0.5, 0.9, 1.0)
"""How many unsynced sectors survive a cut, drawn anew for each: none and all are as instructive as some."""


@dataclass
class DiskFile:
    """One file: what is durable of it, and what was asked since."""

    synced: bytearray = field(default_factory=bytearray)
    since: list[Step] = field(default_factory=list)


class Disk:
    """Replays steps, and says what a cut would leave.

    Args:
        folder: What is durable at the beginning; its files keep their inodes' numbers.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[int, DiskFile] = {}
        self._names: dict[bytes, int] = {}
        self._pending: list[Step] = []
        self._generation: dict[int, int] = {}
        for path in folder.iterdir():
            inode = path.stat().st_ino
            self._generation[inode] = inode
            self._files[inode] = DiskFile(bytearray(path.read_bytes()))
            self._names[path.name.encode()] = inode

    def replay(self, steps: Iterable[Step]) -> None:
        """Does what was asked of the disk."""
        for step in steps:
            self._do(step)

    def cut(self, target: Path, source: random.Random) -> None:
        """Writes what is there after a power cut now into an empty folder."""
        names = dict(self._names)
        for step in self._pending[: source.randint(0, len(self._pending))]:
            _rename(names, step)
        survival = source.choice(SURVIVAL)
        for name, file in names.items():
            content = survivors(self._files[file], source, survival)
            (target / name.decode()).write_bytes(content)

    def _do(self, step: Step) -> None:
        if step.kind is Kind.CREATE:  # a number may be used again for another file
            self._generation[step.inode] = len(self._files) + (1 << 62)
            self._files[self._generation[step.inode]] = DiskFile()
        if step.kind in (Kind.WRITE, Kind.TRUNCATE):
            self._files[self._generation[step.inode]].since.append(step)
        elif step.kind is Kind.SYNC:
            sync(self._files[self._generation[step.inode]])
        elif step.kind is Kind.SYNC_FOLDER:
            for pending in self._pending:
                _rename(self._names, pending)
            self._pending.clear()
        else:
            self._pending.append(step._replace(inode=self._generation[step.inode]))


def _rename(names: dict[bytes, int], step: Step) -> None:
    if step.kind is Kind.CREATE:
        names[step.data] = step.inode
    elif step.kind is Kind.UNLINK:
        names.pop(step.data, None)
    else:
        old, new = step.data.split(b"\0")
        names[new] = names.pop(old, step.inode)


def sync(file: DiskFile) -> None:
    """Everything asked of it is durable."""
    for step in file.since:
        if step.kind is Kind.TRUNCATE:
            _truncate(file.synced, step.offset)
        else:
            _write(file.synced, step.offset, step.data)
    file.since.clear()


def survivors(file: DiskFile, source: random.Random, survival: float) -> bytes:
    """What is there of a file after a cut; ``survival`` is the share of unsynced sectors that are."""
    content = bytearray(file.synced)
    for step in file.since:
        if step.kind is Kind.TRUNCATE:
            if source.random() < survival:
                _truncate(content, step.offset)
            continue
        begin, end = step.offset, step.offset + len(step.data)
        while begin < end:
            stop = min(end, (begin // SECTOR + 1) * SECTOR)
            if source.random() < survival:
                _write(content, begin, step.data[begin - step.offset : stop - step.offset])
            begin = stop
    return bytes(content)


def _truncate(content: bytearray, length: int) -> None:
    del content[length:]
    content.extend(bytes(length - len(content)))


def _write(content: bytearray, offset: int, data: bytes) -> None:
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
