"""The folder for everything that must survive a restart, and who may use it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError


def state_folder(config: GatewayConfig) -> Path:
    """The configured folder, made if it is missing, readable by its owner only.

    Raises:
        ConfigError: It cannot be made or written.
    """
    folder = Path(config.state_dir)
    remedy = 'name a folder this user can write, or make it: sudo install -d -o "$USER" FOLDER'
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"state_dir {folder}: {exc.strerror or exc}", remedy=remedy) from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"state_dir {folder}: not writable", remedy=remedy)
    return folder


@contextlib.contextmanager
def sole_user(folder: Path, role: str) -> Iterator[None]:
    """Holds ``<folder>/<role>.lock`` (flock(2)): the kernel lets go of it however the process ends.

    Raises:
        ConfigError: Another process has this role on this folder.
    """
    with (folder / f"{role}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise ConfigError(
                f"state_dir {folder}: another `thresher {role}` uses it",
                remedy="stop the other one, or give this gateway a state_dir of its own",
            ) from exc
        yield
