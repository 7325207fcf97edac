"""Files that are either the old or the new, never half of each."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from device_agent.fault_points import reach

SECRET: Final = 0o600

Signature = tuple[tuple[int, int, int] | None, ...]
"""Of files; ``None`` where one is missing."""


def atomic_write(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o666) -> None:
    """Replaces a file's content so that a power cut leaves the old or the new one.

    Temporary file beside it → fsync → rename → fsync of the folder (rename(2), fsync(2)).

    Args:
        path: Of the file.
        data: All of its new content.
        durable: False leaves out both fsyncs: a reader still sees the old or the new one, but after a power cut
            the file may be empty. For what is written every second and means nothing after a restart.
        mode: Of the file, before the umask; ``SECRET`` for what nobody else may read at any moment.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # a process killed here left one, perhaps with another mode
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    reach("files.write.temporary")
    temporary.replace(path)
    reach("files.write.renamed")
    if durable:
        sync_folder(path.parent)


def signature(files: Iterable[Path]) -> Signature:
    """Changes with every write of one of the files."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def replace_link(link: Path, target: str) -> None:
    """Points a symbolic link elsewhere so that a power cut leaves the old or the new one.

    Args:
        link: Made if it is missing.
        target: What it points to, as it is stored in the link.
    """
    temporary = link.with_name(f".{link.name}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    reach("files.link.temporary")
    temporary.replace(link)
    reach("files.link.renamed")
    sync_folder(link.parent)


def destroy(path: Path) -> None:
    """Overwrites a file with zeros, makes that durable and removes it; nothing if it is not there.

    On flash the drive writes zeros elsewhere: the old bytes stay until it reuses their block.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    with path.open("r+b") as file:
        file.write(b"\0" * size)
        file.flush()
        os.fsync(file.fileno())
    reach("files.destroy.overwritten")
    path.unlink()
    reach("files.destroy.removed")
    sync_folder(path.parent)


def make_folder(folder: Path, mode: int = 0o755) -> None:
    """Makes a folder, and those above it, durably: without its name nothing in it is there after a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=mode, exist_ok=True)
    sync_folder(folder.parent)


def sync_file(path: Path) -> None:
    """Makes a file's content durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Makes a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
