"""Whether the state folder's disk holds what the spool may take, survives a power cut, and does not wear out soon.

Sources: ``/proc/self/mountinfo`` (proc(5)); for eMMC, JEDEC's life-time estimate as the kernel shows it in
``/sys/block/<disk>/device/life_time``, in steps of a tenth. An SD card tells nothing of its wear.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from device_agent.doctor.findings import Finding, good, note, problem

FILE_PER_LIMIT: Final = 1.5
"""Bytes of the spool's file for one of its limit, as docs/gateway.md says."""

_FORGETS: Final = ("tmpfs", "ramfs", "overlay")
_FOREIGN: Final = ("vfat", "exfat", "ntfs", "ntfs3", "fuseblk")
_REMOTE: Final = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p")
_WORN_TENTHS: Final = 8
_MIB: Final = 1024 * 1024


class Disk(NamedTuple):
    """Where a folder lies.

    Attributes:
        folder: It, or the nearest one above that is there.
        free_bytes: For this user.
        kind: Of the file system.
        device: Its source, e.g. ``/dev/mmcblk0p2``.
        writable: Whether this user may write there.
        life_tenths: Of its flash that is used up, the worst estimate; ``None`` where it does not say.
    """

    folder: Path
    free_bytes: int
    kind: str
    device: str
    writable: bool
    life_tenths: int | None = None


def disk_of(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo"), blocks: Path = Path("/sys/block")) -> Disk:
    """Looks; makes nothing."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists()).resolve()
    kind, device = _mounted(there, mounts.read_text(encoding="utf-8", errors="replace").splitlines())
    found = os.statvfs(there)
    writable = os.access(there, os.W_OK | os.X_OK, effective_ids=True) and not found.f_flag & os.ST_RDONLY
    return Disk(there, found.f_bavail * found.f_frsize, kind, device, writable, _life(device, blocks))


def disk_findings(disk: Disk, *, spool_limit: int, spool_bytes: int) -> list[Finding]:
    """About the state folder's disk.

    Args:
        disk: See there.
        spool_limit: The most that the spool keeps, bytes.
        spool_bytes: Of the spool's file now.
    """
    where = f"{disk.folder}: {disk.free_bytes // _MIB:,} MiB free on {disk.kind} ({disk.device})"
    findings = [*_nature(disk), *_space(disk, spool_limit, spool_bytes), *_wear(disk)]
    if all(finding.level != "problem" for finding in findings):
        findings.insert(0, good("disk", where))
    return findings


def _nature(disk: Disk) -> Iterable[Finding]:
    elsewhere = "name a `state_dir` on a local disk, e.g. /var/lib/thresher on ext4"
    if not disk.writable:
        remedy = 'sudo install -d -o "$USER" FOLDER; or run this as the user that runs the gateway'
        yield problem("disk", f"{disk.folder}: this user cannot write there", remedy)
    if disk.kind in _FORGETS:
        yield note("disk", f"{disk.folder} is on {disk.kind}: what is accepted may not survive a restart", elsewhere)
    if disk.kind in (*_FOREIGN, *_REMOTE):
        yield problem("disk", f"{disk.folder} is on {disk.kind}, which does not keep the spool's promises", elsewhere)


def _space(disk: Disk, limit: int, present: int) -> Iterable[Finding]:
    wanted = round(limit * FILE_PER_LIMIT)
    if disk.free_bytes + present < wanted:
        what = f"{disk.folder}: {disk.free_bytes // _MIB:,} MiB free, the spool may grow to {wanted // _MIB:,} MiB"
        yield problem("disk", what, "free some space, or lower `spool.max_bytes`")


def _wear(disk: Disk) -> Iterable[Finding]:
    if disk.life_tenths is None:
        return
    used = min(100, disk.life_tenths * 10)
    if disk.life_tenths >= _WORN_TENTHS:
        yield problem("disk", f"{disk.device}: {used} % of its life is used up", "replace the flash, keep a copy")
    else:
        yield good("disk", f"{disk.device}: at most {used} % of its life is used up")


def _mounted(folder: Path, lines: Iterable[str]) -> tuple[str, str]:
    """Kind and source of the file system that holds a folder: the longest mount above it, the last of equals."""
    best, found = -1, ("unknown", "unknown")
    for line in lines:
        left, _, right = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), left.split()[4])
        if folder.is_relative_to(point) and len(point) >= best:
            kind, device = right.split()[:2]
            best, found = len(point), (kind, device)
    return found


def _life(device: str, blocks: Path) -> int | None:
    """Of ``/dev/mmcblk0p2`` the disk is ``mmcblk0``."""
    disk = re.sub(r"p\d+$", "", device.removeprefix("/dev/"))
    try:
        words = (blocks / disk / "device/life_time").read_text(encoding="ascii").split()
        return max(int(word, 16) for word in words)
    except (OSError, ValueError):
        return None
