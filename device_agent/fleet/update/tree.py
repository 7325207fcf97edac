"""A folder's content as one digest, and made durable: to find what rotted between staging and use."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from device_agent.errors import UpdateError
from device_agent.files import sync_file, sync_folder

_CHUNK: Final = 1 << 20


def tree_digest(folder: Path) -> str:
    """SHA-256 over every entry below a folder: its path, kind, whether it can be executed, and its bytes.

    Raises:
        UpdateError: There is something that is neither file, folder nor link.
        OSError: Something cannot be read.
    """
    digest = hashlib.sha256()
    for path in walk(folder):
        mode = path.lstat().st_mode
        digest.update(f"{path.relative_to(folder)}\0{stat.S_IFMT(mode):o}\0{mode & 0o100:o}\0".encode())
        if stat.S_ISLNK(mode):
            digest.update(f"{path.readlink()}\0".encode())
        elif stat.S_ISREG(mode):
            _add_file(digest, path)
        elif not stat.S_ISDIR(mode):
            raise UpdateError(f"{path}: neither a file, a folder nor a link")
    return digest.hexdigest()


def sync_tree(folder: Path) -> None:
    """Makes everything below a folder durable, and its name."""
    for path in walk(folder):
        if path.is_symlink():
            continue
        (sync_folder if path.is_dir() else sync_file)(path)
    sync_folder(folder)
    sync_folder(folder.parent)


def walk(folder: Path) -> Iterator[Path]:
    """Every entry below a folder, in the order of names; links are not followed."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))


def _add_file(digest: "hashlib._Hash", path: Path) -> None:
    size = path.stat().st_size
    digest.update(f"{size}\0".encode())
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
