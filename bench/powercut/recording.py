"""What this process asked of its disk, as a list: the other half of ``shim.c``.

The recorder must be there before the process starts, so ``start_recorded`` starts one with it; inside, ``record``
gives everything that happened to one folder while a block of code ran. The recorded process is the real one: its
Python, its sqlite3 module, its C library; only the calls are noted on their way.
"""

import ctypes
import functools
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

from device_agent.errors import ThresherError

ROOT: Final = Path(__file__).parents[2]
_SOURCE: Final = Path(__file__).with_name("shim.c")
_HEADER: Final = struct.Struct("<5q")
_COMPILERS: Final = ("cc", "gcc", "clang")
_COMPILE_WITHIN_S: Final = 60


class Kind(IntEnum):
    """As in ``shim.c``."""

    CREATE = 1
    WRITE = 2
    TRUNCATE = 3
    SYNC = 4
    SYNC_FOLDER = 5
    RENAME = 6
    UNLINK = 7
    MAKE_FOLDER = 8
    LINK = 9
    REMOVE_FOLDER = 10


class Step(NamedTuple):
    """One thing asked of the disk.

    Attributes:
        kind: What.
        inode: Which file.
        offset: Where it is written, or to what length it is cut, bytes.
        data: What is written; a name for what concerns the folder, both names with a NUL between for ``RENAME``, the
            target and the name for ``LINK``.
    """

    kind: Kind
    inode: int
    offset: int
    data: bytes


class RecordingError(ThresherError):
    """The recorder cannot be built, is not there, or did not see everything."""


class Recording:
    """What was recorded; whole after the ``with`` block has ended."""

    def __init__(self, position: Callable[[], int]) -> None:
        self.steps: list[Step] = []
        self.position = position


def start_recorded(module: str, arguments: list[str], folder: Path, *, timeout_s: float) -> bytes:
    """Runs ``python -m module`` with the recorder inside; returns what it printed.

    Args:
        module: Its name.
        arguments: Passed on.
        folder: For the compiled recorder.
        timeout_s: It is killed after so many seconds.

    Raises:
        RecordingError: There is no compiler, or the process failed.
    """
    environment = os.environ | {"LD_PRELOAD": str(_compiled(folder))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=timeout_s,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        raise RecordingError(f"recorded process: {exc}", remedy="read what it wrote above") from exc
    return done.stdout


@contextmanager
def record(folder: Path) -> Iterator[Recording]:
    """Records what happens below a folder.

    Raises:
        RecordingError: This process was not started by ``start_recorded``, or something went past the recorder.
    """
    shim = _shim()
    for file in folder.rglob("*"):
        shim.powercut_watch(file.stat().st_ino)
    if shim.powercut_start(str(folder).encode()):
        raise RecordingError(f"{folder}: cannot be recorded")
    recording = Recording(shim.powercut_count)
    failed = 0
    try:
        yield recording
    finally:
        failed = shim.powercut_stop()
        recording.steps = _parse(ctypes.string_at(shim.powercut_records(), shim.powercut_bytes()))
    if failed:
        raise RecordingError(f"{folder}: something was done to it in a way that the recorder does not know")


@functools.cache
def _shim() -> ctypes.CDLL:
    shim = ctypes.CDLL(None)
    try:
        shim.powercut_watch.argtypes = [ctypes.c_int64]
    except AttributeError as exc:
        raise RecordingError("the recorder is not loaded", remedy="start this process by `start_recorded`") from exc
    shim.powercut_start.argtypes = [ctypes.c_char_p]
    shim.powercut_records.restype = ctypes.c_void_p
    shim.powercut_bytes.restype = ctypes.c_int64
    shim.powercut_count.restype = ctypes.c_int64
    return shim


def _parse(raw: bytes) -> list[Step]:
    steps: list[Step] = []
    at = 0
    while at < len(raw):
        kind, inode, _, offset, length = _HEADER.unpack_from(raw, at)
        at += _HEADER.size
        steps.append(Step(Kind(kind), inode, offset, raw[at : at + length]))
        at += (length + 7) // 8 * 8
    return steps


def _compiled(folder: Path) -> Path:
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        raise RecordingError("no C compiler", remedy="sudo apt-get install gcc libc6-dev")
    library = folder / "powercut.so"
    options = [
        "-O2",
        "-shared",
        "-fPIC",
        "-D_LARGEFILE64_SOURCE",
        "-o",
        str(library),
        str(_SOURCE),
        "-ldl",
        "-lpthread",
    ]
    try:
        subprocess.run([compiler, *options], check=True, timeout=_COMPILE_WITHIN_S, stdout=sys.stderr)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        raise RecordingError(f"{_SOURCE}: {exc}", remedy="sudo apt-get install gcc libc6-dev") from exc
    return library
