"""The application: a virtual environment made without a network, or a folder as it is; processes start from it.

Every release has ``bin/thresher``, whatever its manifest calls the program: the supervisor knows nothing else of it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.manifest import Entry, Manifest
from device_agent.errors import UpdateError
from device_agent.fleet.targets.trying import attempt
from device_agent.fleet.update import links
from device_agent.fleet.update.errors import HopelessError

NAME: Final = "thresher"
PROGRAM: Final = Path("bin") / "thresher"
STARTED_WITHIN_S: Final = 30.0
_VENV_WITHIN_S: Final = 300.0
_INSTALL_WITHIN_S: Final = 1200.0
_ANSWER_WITHIN_S: Final = 60.0

Restart = Callable[[float], bool]
"""Has every process of the gateway start from the release in use; whether all were started within seconds."""


class ApplicationTarget:
    """See ``Target``.

    Args:
        install: Where releases lie.
        restart: See ``Restart``.
    """

    def __init__(self, install: Path, restart: Restart) -> None:
        self._install = install
        self._restart = restart

    def releases(self, name: str) -> Path:
        """See ``Target``."""
        if name != NAME:
            raise HopelessError(f"no application is called {name} here", remedy=f"it is called {NAME}")
        self._install.mkdir(mode=0o755, parents=True, exist_ok=True)
        return self._install

    def stage(self, folder: Path, manifest: Manifest) -> None:
        """See ``Target``: made, and asked for its help text by a process of its own."""
        entry = manifest.entry or Entry()
        if entry.staging == "venv":
            make_environment(folder)
        _name_program(folder, entry.command)
        attempt((str(folder / PROGRAM), "--help"), what="the application does not answer", within_s=_ANSWER_WITHIN_S)

    def active(self, name: str) -> str:
        """See ``Target``."""
        return links.active(self.releases(name))

    def activate(self, name: str, release: str) -> None:
        """See ``Target``."""
        links.point(self.releases(name), release)
        if not self._restart(STARTED_WITHIN_S):
            raise UpdateError(
                f"not every process was started from {release or 'the installation'} within {STARTED_WITHIN_S:g} s"
            )


def make_environment(folder: Path) -> None:
    """Makes a virtual environment of a folder with ``wheels/`` and ``requirements.lock``.

    Nothing is taken from a network, and every file must have a digest of the lock.

    Raises:
        UpdateError: It could not be made.
    """
    for needed in ("wheels", "requirements.lock"):
        if not (folder / needed).exists():
            raise HopelessError(f"no {needed} in the bundle", remedy="see docs/updates.md for its layout")
    attempt(
        (sys.executable, "-m", "venv", "--symlinks", str(folder)),
        what="no virtual environment can be made",
        within_s=_VENV_WITHIN_S,
    )
    pip = (str(folder / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install")
    offline = ("--no-index", "--find-links", str(folder / "wheels"), "--require-hashes", "--only-binary", ":all:")
    attempt(
        (*pip, "--no-cache-dir", *offline, "--requirement", str(folder / "requirements.lock")),
        what="the wheels cannot be installed",
        within_s=_INSTALL_WITHIN_S,
    )


def _name_program(folder: Path, command: str) -> None:
    program = folder / command
    if not program.is_file():
        raise HopelessError(f"no {command} in the bundle", remedy="name the program in the manifest's entry")
    program.chmod(program.stat().st_mode | 0o111)
    usual = folder / PROGRAM
    if not usual.exists():
        usual.parent.mkdir(exist_ok=True)
        usual.symlink_to(Path("..") / command)
