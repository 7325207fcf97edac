"""A small ext4 disk of one's own, and what the kernel counted as written to it.

An image file is mounted by a loop device, so ``/proc/diskstats`` of that device counts this measurement and
nothing else: file data, the file system's journal and its metadata. Root is needed; elsewhere ``OwnDisk.possible``
is false and a caller measures less and says so.
Not here: what a flash controller writes in turn (its erase blocks are larger; no host sees that).
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple, Self

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


class OwnDisk:
    """A context manager; leaving it unmounts and removes the disk.

    Args:
        folder: On a real disk; holds the image.

    Attributes:
        path: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self._image = folder / "disk.ext4"

    @staticmethod
    def possible() -> bool:
        """Whether this process may make one here."""
        return os.geteuid() == 0 and bool(shutil.which("mkfs.ext4")) and Path("/dev/loop-control").exists()

    def written(self) -> Written:
        """What was written so far, all that is dirty included."""
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
