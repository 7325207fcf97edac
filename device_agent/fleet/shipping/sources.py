"""Where lines come from, each with a place in it that survives a restart.

```
journal   the cursor of the last line          another line stands there: rotated away ─▶ a gap, goes on with that
a file    inode and offset of its next byte    another file by that name ─▶ the rest of the old one, where it is found
```
At the very first, what was written before is not sent. Source: journalctl(1), ``--cursor``, which
goes to the nearest line where its own is gone, and ``--output=json``, where a text not in UTF-8 is an array of bytes.
Not here: sending (``shipper``).
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from device_agent.fleet.shipping.lines import Line, level_of

MOST_LINES: Final = 500
_MOST_BYTES: Final = 256 * 1024
_TOOL_S: Final = 20.0


class Piece(NamedTuple):
    """What was read.

    Attributes:
        lines: In order, each with the place after it.
        place: After all of it; kept also where nothing of it is to be sent.
        gaps: How often lines before these were gone.
        trouble: Why nothing could be read.
    """

    lines: Sequence[tuple[Line, str]]
    place: str
    gaps: int = 0
    trouble: str = ""


class Source(Protocol):
    """One. ``read`` blocks for seconds at most."""

    @property
    def name(self) -> str:
        """By which its place is kept."""

    def read(self, place: str) -> Piece:
        """What comes after a place; empty at the very first."""


class Journal:
    """See ``Source``: systemd's, of some units.

    Args:
        units: Whose.
        tool: The program that reads it.
    """

    name: Final = "journal"

    def __init__(self, units: Sequence[str], *, tool: str = "journalctl") -> None:
        self._units, self._tool = [f"--unit={unit}" for unit in units], tool

    def read(self, place: str) -> Piece:
        """See ``Source``."""
        program = shutil.which(self._tool)
        if program is None:
            return Piece([], place, trouble=f"{self._tool} is not installed")
        if not place:
            entries, trouble = self._entries(program, "--lines=1")
            return Piece([], entries[-1]["__CURSOR"] if entries else "", trouble=trouble)
        entries, trouble = self._entries(program, f"--cursor={place}")
        if "seek to cursor" in trouble:  # it is none of this journal's
            entries, trouble = self._entries(program, f"--lines={MOST_LINES}")
        if entries and entries[0].get("__CURSOR") == place:
            return _piece(entries[1:], place)
        return _piece(entries, place, gaps=int(bool(entries)), trouble=trouble)

    def _entries(self, program: str, *which: str) -> tuple[list[dict[str, Any]], str]:
        """The first of them: a long backlog is read piece by piece."""
        command = [program, "--no-pager", "--quiet", "--output=json", *self._units, *which]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
            assert reading.stdout is not None  # noqa: S101 - for the type checker
            assert reading.stderr is not None  # noqa: S101 - same
            found, end_s = [], time.monotonic() + _TOOL_S
            try:
                for raw in reading.stdout:
                    with contextlib.suppress(ValueError):
                        found.append(json.loads(raw))
                    if len(found) >= MOST_LINES or time.monotonic() > end_s:
                        return found, ""
            finally:
                reading.kill()
            words = reading.stderr.read(2000).decode(errors="replace").strip().splitlines()
        return found, words[-1] if words and not found else ""


def _piece(entries: Sequence[dict[str, Any]], place: str, *, gaps: int = 0, trouble: str = "") -> Piece:
    lines = [(_line(each), str(each["__CURSOR"])) for each in entries if "__CURSOR" in each]
    return Piece(lines, lines[-1][1] if lines else place, gaps, trouble)


def _line(entry: dict[str, Any]) -> Line:
    said = entry.get("MESSAGE")
    text = bytes(said).decode(errors="replace") if isinstance(said, list) else str(said or "")
    source = str(entry.get("_SYSTEMD_UNIT") or entry.get("SYSLOG_IDENTIFIER") or "journal")
    wall_ms = int(entry.get("__REALTIME_TIMESTAMP") or 0) // 1000
    return Line(wall_ms, level_of(text, int(entry.get("PRIORITY") or 6)), source, text)


class LogFile:
    """See ``Source``: a file that others append to and rotate.

    Args:
        path: Of it.
        wall_ms: Unix milliseconds; a line's time is when it was read.
    """

    def __init__(self, path: Path, wall_ms: Callable[[], int]) -> None:
        self.name = str(path)
        self._path, self._wall_ms = path, wall_ms

    def read(self, place: str) -> Piece:
        """See ``Source``."""
        try:
            now = self._path.stat()
            if not place:
                return Piece([], f"{now.st_ino}:{now.st_size}")
            inode, offset = (int(each) for each in place.split(":"))
            if inode == now.st_ino:
                return self._from(self._path, inode, min(offset, now.st_size), gaps=int(offset > now.st_size))
            old = self._rotated(inode)
            rest = self._from(old, inode, offset) if old else Piece([], place)
            return rest if rest.lines else self._from(self._path, now.st_ino, 0, gaps=int(old is None))
        except (OSError, ValueError) as exc:
            return Piece([], place, trouble=f"{self._path}: {exc}")

    def _rotated(self, inode: int) -> Path | None:
        beside = self._path.parent.glob(f"{self._path.name}*")
        return next((each for each in beside if each.stat().st_ino == inode), None)

    def _from(self, path: Path, inode: int, offset: int, *, gaps: int = 0) -> Piece:
        offset = 0 if gaps else offset
        with path.open("rb") as file:
            file.seek(offset, os.SEEK_SET)
            data = file.read(_MOST_BYTES)
        whole = data.rfind(b"\n") + 1 or (
            len(data) if len(data) == _MOST_BYTES else 0
        )  # a line that never ends goes on
        lines = []
        for raw in data[:whole].splitlines(keepends=True)[:MOST_LINES]:
            offset += len(raw)
            text = raw.decode(errors="replace").rstrip("\r\n")
            lines.append((Line(self._wall_ms(), level_of(text), self.name, text), f"{inode}:{offset}"))
        return Piece(lines, f"{inode}:{offset}", gaps)
