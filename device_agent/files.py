"""Files that are either the old or the new, never half of each."""

import os
from pathlib import Path

from device_agent.fault_points import reach


def atomic_write(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replaces a file's content so that a power cut leaves the old or the new one.

    Temporary file beside it → fsync → rename → fsync of the folder (rename(2), fsync(2)).

    Args:
        path: Of the file.
        data: All of its new content.
        durable: False leaves out both fsyncs: a reader still sees the old or the new one, but after a power cut
            the file may be empty. For what is written every second and means nothing after a restart.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    reach("files.write.temporary")
    temporary.replace(path)
    reach("files.write.renamed")
    if durable:
        sync_folder(path.parent)


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
