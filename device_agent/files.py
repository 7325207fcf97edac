"""Files that are either the old or the new, never half of each."""

import os
from pathlib import Path


def atomic_write(path: Path, data: bytes) -> None:
    """Replaces a file's content so that a power cut leaves the old or the new one.

    Temporary file beside it → fsync → rename → fsync of the folder (rename(2), fsync(2)).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
