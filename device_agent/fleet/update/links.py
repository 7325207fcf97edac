"""Versioned folders and the link that names the one in use.

```
<root>/1.4.0-0123456789ab/   <root>/1.5.0-ba9876543210/   <root>/current ─▶ 1.5.0-ba9876543210
```
The link is replaced by rename(2), which is atomic, and its folder is synced: a cut leaves the old or the new one.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Final

from device_agent.fault_points import reach
from device_agent.files import sync_folder
from device_agent.fleet.update.port import SHIPPED

CURRENT: Final = "current"
_TEMPORARY: Final = f".{CURRENT}.tmp"
_RELEASE: Final = re.compile(r"[0-9][0-9A-Za-z.+-]*-[0-9a-f]{12}")


def active(root: Path) -> str:
    """The release that the link names; ``SHIPPED`` without a link."""
    try:
        return (root / CURRENT).readlink().name
    except OSError:
        return SHIPPED


def point(root: Path, release: str) -> None:
    """Makes the link name a release; ``SHIPPED`` removes it. Durable when it returns.

    Raises:
        OSError: The disk does not take it; the link is the old or the new one.
    """
    link = root / CURRENT
    if active(root) == release:
        sync_folder(root)  # it may have been swapped just before a kill
        return
    reach("update.link.before")
    if release == SHIPPED:
        link.unlink(missing_ok=True)
    else:
        temporary = root / _TEMPORARY
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(release)
        temporary.replace(link)
    reach("update.link.swapped")
    sync_folder(root)


def others(root: Path) -> list[str]:
    """Releases that are not in use, whole or not."""
    kept = active(root)
    return sorted(each.name for each in root.iterdir() if _RELEASE.fullmatch(each.name) and each.name != kept)


def tidy(root: Path) -> None:
    """Removes what a kill in the middle of a swap left."""
    (root / _TEMPORARY).unlink(missing_ok=True)


def remove(root: Path, release: str) -> None:
    """Removes a release that is not in use.

    Raises:
        OSError: It could not be removed whole.
        ValueError: It is in use, or not a release.
    """
    if release == active(root) or not _RELEASE.fullmatch(release):
        raise ValueError(f"{root / release}: in use, or no release")
    shutil.rmtree(root / release)
    sync_folder(root)


def free_bytes(folder: Path) -> int:
    """What an unprivileged process may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
