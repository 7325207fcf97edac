"""Publishes model files into a folder of their own and makes it the one that counts: an install step of a deployment.

```
<from>/level.card.json, level-8.tflite …  ─▶  <into>/v3-1f0c…/  (every digest checked, fsynced)  ─▶  <into>/current
```
A reader that follows ``current`` sees the whole old version or the whole new one. A folder's name is made of what it
holds, so publishing again changes nothing, and going back to an older version is one link.

It runs with any Python, before anything is installed: standard library only, and nothing of this package.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

CURRENT = "current"
CARD = "level.card.json"
_VERSION = re.compile(r"v\d+-[0-9a-f]{12}")
KEPT = 3
"""Folders that stay, the one that counts included: a process may be reading the last one."""


class RefusedError(Exception):
    """The files are not what their card states; nothing was changed."""


def publish(files: Path, into: Path) -> Path:
    """Publishes the models of a folder; returns the folder that counts now.

    Raises:
        RefusedError: A file is missing, or has other bytes than the card states.
        OSError: It cannot be written.
    """
    card = (files / CARD).read_bytes()
    contents = {CARD: card, **dict(_checked(files, card))}
    folder = into / _name(card)
    into.mkdir(parents=True, exist_ok=True)
    if not _holds(folder, contents):
        _write(folder, contents)
    _point(into / CURRENT, folder.name)
    _tidy(into, folder)
    return folder


def main(arguments: list[str]) -> int:
    """``FROM [INTO]``; by default into the working folder. Exit status: 0 done, 1 refused."""
    files, into = Path(arguments[0]), Path(arguments[1] if len(arguments) > 1 else ".")
    try:
        folder = publish(files, into)
    except (RefusedError, OSError, ValueError, KeyError) as exc:
        sys.stderr.write(f"error: model {files}: {exc}\ntry: deploy the component again; the last good model stays\n")
        return 1
    sys.stderr.write(f"model.published {folder}\n")
    return 0


def _checked(files: Path, card: bytes) -> Iterator[tuple[str, bytes]]:
    for name, stated in json.loads(card)["files"].items():
        data = (files / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != stated["sha256"]:
            raise RefusedError(f"{name}: its bytes are not those its card states")
        yield name, data


def _name(card: bytes) -> str:
    return f"v{json.loads(card)['version']}-{hashlib.sha256(card).hexdigest()[:12]}"


def _holds(folder: Path, contents: dict[str, bytes]) -> bool:
    try:
        return all((folder / name).read_bytes() == data for name, data in contents.items())
    except OSError:
        return False


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    """All of it under another name first: a power cut leaves no half of a version."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o755)
    for name, data in contents.items():
        with (temporary / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    _sync(temporary)
    if folder.exists():  # damaged: no reader may be sent there, and none is once the link is elsewhere
        shutil.rmtree(folder)
    temporary.rename(folder)
    _sync(folder.parent)


def _point(link: Path, name: str) -> None:
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    temporary.replace(link)
    _sync(link.parent)


def _tidy(into: Path, current: Path) -> None:
    ours = [each for each in into.iterdir() if _VERSION.fullmatch(each.name) and each.is_dir() and each != current]
    for each in sorted(ours, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        with contextlib.suppress(OSError):
            shutil.rmtree(each)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
