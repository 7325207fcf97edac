"""A small ext4 disk of one's own, and what the kernel counted as written to it.

An image file is mounted by a loop device, so ``/proc/diskstats`` of that device counts this measurement and
nothing else: file data, the file system's journal and its metadata. Root and loop devices are needed; where there
are none, ``disk_for`` gives a plain folder, which counts less and says so.
Not here: what a flash controller writes in turn (its erase blocks are larger; no host sees that).
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self

from twin.errors import TwinError

_SECTOR_BYTES: Final = 512
_IMAGE_MB: Final = 256
_FLUSHES_AT: Final = 18
_RAN_S: Final = 30


class Written(NamedTuple):
    """What reached the device since it was mounted (Documentation/admin-guide/iostats.rst in the kernel's source).

    Attributes:
        bytes: Field 7, sectors written, in bytes.
        requests: Field 5, writes completed.
        flushes: Field 16, cache flushes completed: each fsync costs at least one.
    """

    bytes: int
    requests: int
    flushes: int

    def since(self, earlier: "Written") -> "Written":
        """The difference."""
        return Written(*(now - then for now, then in zip(self, earlier, strict=True)))


class Disk(Protocol):
    """Where a measured gateway keeps its state; a context manager.

    Attributes:
        path: A folder.
        method: How its writes are counted, for people.
        whole: Whether the file system's own writes are counted too.
    """

    path: Path
    method: str
    whole: bool

    def written(self, pids: Sequence[int] = ()) -> Written:
        """What was written so far, all that is dirty included; ``pids`` are those who write."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def disk_for(folder: Path) -> Disk:
    """A disk of one's own, or a plain folder where this machine does not let us mount one."""
    if not OwnDisk.possible():
        return PlainFolder(folder)
    trial = folder / "trial"
    trial.mkdir()
    try:
        with OwnDisk(trial):
            return OwnDisk(folder)
    except TwinError:
        return PlainFolder(folder)


class PlainFolder:
    """See ``Disk``: counts pages that the processes made dirty (proc(5), ``/proc/PID/io``, ``write_bytes``)."""

    method = (
        "write_bytes of both processes: data only, without journal and metadata, which can be several times as much"
    )
    whole = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"

    def written(self, pids: Sequence[int] = ()) -> Written:
        """See ``Disk``; requests and flushes are not known."""
        lines = [line for pid in pids for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()]
        return Written(sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), 0, 0)

    def __enter__(self) -> Self:
        self.path.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


class OwnDisk:
    """See ``Disk``: a loop device; leaving it unmounts and removes it.

    Args:
        folder: On a real disk; holds the image.
    """

    method = "/proc/diskstats of a loop-mounted ext4 (4 KB blocks)"
    whole = True

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self._image = folder / "disk.ext4"

    @staticmethod
    def possible() -> bool:
        """Whether this process may make one here."""
        return os.geteuid() == 0 and bool(shutil.which("mkfs.ext4")) and Path("/dev/loop-control").exists()

    def written(self, pids: Sequence[int] = ()) -> Written:
        """See ``Disk``."""
        del pids
        _sync(self.path)
        device = f"{os.major(self.path.stat().st_dev)} {os.minor(self.path.stat().st_dev)}"
        for line in Path("/proc/diskstats").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if " ".join(fields[:2]) == device:
                return Written(int(fields[9]) * _SECTOR_BYTES, int(fields[7]), int(fields[_FLUSHES_AT]))
        raise TwinError(f"{self.path}: device {device} is not in /proc/diskstats", remedy="measure on another kernel")

    def __enter__(self) -> Self:
        self.path.mkdir()
        with self._image.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _IMAGE_MB << 20)
        _run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self._image))
        _run("mount", "-o", "loop,noatime", str(self._image), str(self.path))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            _run("umount", str(self.path))
        except TwinError:  # something still looks into it: the kernel lets go when that ends
            _run("umount", "--lazy", str(self.path))
        self._image.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    _run("sync", "--file-system", str(folder))


def _run(*command: str) -> None:
    path = shutil.which(command[0])
    if path is None:
        raise TwinError(f"{command[0]} is not installed", remedy="install e2fsprogs, util-linux and coreutils")
    done = subprocess.run([path, *command[1:]], check=False, capture_output=True, timeout=_RAN_S, text=True)
    if done.returncode:
        raise TwinError(
            f"{' '.join(command)}: {done.stderr.strip()}", remedy="run as root on a kernel with loop devices"
        )
