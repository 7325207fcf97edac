"""A disk with folders in folders that loses power: which of them, and which bytes, are there afterwards.

Files as in ``disk``. Each folder journals for itself: of what was done to its entries, everything up to some moment at
or after its own last sync happened, nothing later. So a file's sync does not make its name durable, nor a folder's
sync the names below it, which is all that POSIX promises; ext4 promises more.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.powercut.disk import SURVIVAL, DiskFile, survivors, sync
from bench.powercut.recording import Kind, Step


@dataclass
class _Folder:
    synced: dict[str, "_Node"] = field(default_factory=dict)
    now: dict[str, "_Node"] = field(default_factory=dict)
    pending: list[tuple[str, "_Node | None"]] = field(default_factory=list)

    def put(self, name: str, node: "_Node | None") -> None:
        self.pending.append((name, node))
        _apply(self.now, name, node)

    def sync(self) -> None:
        self.synced = dict(self.now)
        self.pending.clear()


_Node = _Folder | DiskFile | str
"""A folder, a file, or where a link leads."""


class Tree:
    """Replays steps, and says what a cut would leave.

    Args:
        folder: What is durable at the beginning; its files keep their inodes' numbers.
    """

    def __init__(self, folder: Path) -> None:
        self._nodes: dict[int, _Folder | DiskFile] = {}
        self._root = self._read(folder)

    def replay(self, steps: Iterable[Step]) -> None:
        """Does what was asked of the disk."""
        for step in steps:
            self._do(step)

    def cut(self, target: Path, source: random.Random) -> None:
        """Writes what is there after a power cut now into an empty folder."""
        _leave(self._root, target, source, source.choice(SURVIVAL))

    def _read(self, folder: Path) -> _Folder:
        made = _Folder()
        self._nodes[folder.stat().st_ino] = made
        for path in folder.iterdir():
            made.synced[path.name] = self._node(path)
        made.now = dict(made.synced)
        return made

    def _node(self, path: Path) -> _Node:
        if path.is_symlink():
            return str(path.readlink())
        if path.is_dir():
            return self._read(path)
        file = DiskFile(bytearray(path.read_bytes()))
        self._nodes[path.stat().st_ino] = file
        return file

    def _do(self, step: Step) -> None:
        if step.kind in (Kind.WRITE, Kind.TRUNCATE, Kind.SYNC, Kind.SYNC_FOLDER):
            self._touch(step)
        elif step.kind is Kind.RENAME:
            old, new = step.data.decode().split("\0")
            (folder, name), (into, new_name) = self._place(old), self._place(new)
            if folder is not into:
                raise ValueError(f"{old} moves to another folder, which is not modelled")
            node = folder.now[name]
            folder.pending.append((f"{name}\0{new_name}", node))
            _apply(folder.now, f"{name}\0{new_name}", node)
        else:
            self._entry(step)

    def _entry(self, step: Step) -> None:
        *target, path = step.data.decode().split("\0")
        folder, name = self._place(path)
        if step.kind in (Kind.UNLINK, Kind.REMOVE_FOLDER):
            folder.put(name, None)
        elif step.kind is Kind.LINK:
            folder.put(name, target[0])
        else:
            made = DiskFile() if step.kind is Kind.CREATE else _Folder()
            self._nodes[step.inode] = made  # a number may be used again for another file
            folder.put(name, made)

    def _touch(self, step: Step) -> None:
        node = self._nodes[step.inode]
        if isinstance(node, _Folder):
            node.sync()
        elif step.kind is Kind.SYNC:
            sync(node)
        else:
            node.since.append(step)

    def _place(self, path: str) -> tuple[_Folder, str]:
        *parents, name = path.split("/")
        folder = self._root
        for parent in parents:
            below = folder.now[parent]
            if not isinstance(below, _Folder):
                raise TypeError(f"{path}: {parent} is no folder")
            folder = below
        return folder, name


def _apply(entries: dict[str, _Node], name: str, node: _Node | None) -> None:
    old, _, new = name.partition("\0")
    if new:
        if old in entries:
            entries[new] = entries.pop(old)
    elif node is None:
        entries.pop(name, None)
    else:
        entries[name] = node


def _leave(folder: _Folder, target: Path, source: random.Random, survival: float) -> None:
    entries = dict(folder.synced)
    for name, node in folder.pending[: source.randint(0, len(folder.pending))]:
        _apply(entries, name, node)
    for name, node in entries.items():
        path = target / name
        if isinstance(node, str):
            path.symlink_to(node)
        elif isinstance(node, _Folder):
            path.mkdir()
            _leave(node, path, source, survival)
        else:
            path.write_bytes(survivors(node, source, survival))
