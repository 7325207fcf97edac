"""The folder for everything that must survive a restart, and who may use it.

A disk that turned read-only or is full does not keep a process from starting: what it senses waits in memory until
the disk is well again.
"""

import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from device_agent.errors import ConfigError

if TYPE_CHECKING:  # a supervisor uses locks only, and stays small
    from device_agent.config import GatewayConfig

_SICK_DISK = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})

logger = logging.getLogger(__name__)


def state_folder(config: "GatewayConfig") -> Path:
    """The configured folder, made if it is missing, readable by its owner only.

    Raises:
        ConfigError: It cannot be made, or this user may not write it.
    """
    folder = Path(config.state_dir)
    remedy = 'name a folder this user can write, or make it: sudo install -d -o "$USER" FOLDER'
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"state_dir {folder}: {exc.strerror or exc}", remedy=remedy) from exc
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        logger.error("state.read_only", extra={"path": str(folder)})
    elif not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"state_dir {folder}: not writable", remedy=remedy)
    return folder


@contextlib.contextmanager
def sole_user(folder: Path, role: str) -> Iterator[None]:
    """Holds ``<folder>/<role>.lock`` (flock(2)): the kernel lets go of it however the process ends.

    Raises:
        ConfigError: Another process has this role on this folder.
    """
    descriptor = _open_lock(folder / f"{role}.lock")
    if descriptor is None:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        raise ConfigError(
            f"state_dir {folder}: another `thresher {role}` uses it",
            remedy="stop the other one, or give this gateway a state_dir of its own",
        ) from exc
    try:
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int | None:
    """A lock needs no writing, only its file; a disk that cannot make one leaves the process without."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            return os.open(path, flags | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            sick = exc.errno in _SICK_DISK or (flags == os.O_RDONLY and exc.errno == errno.ENOENT)
            if not sick:
                raise ConfigError(f"{path}: {exc.strerror or exc}", remedy="check the folder's owner") from exc
    logger.error("state.unlocked", extra={"path": str(path)})
    return None
