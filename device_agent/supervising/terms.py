"""What the supervisor works by, read from the gateway's document by a process of its own.

Reading a document loads every driver's Struct and a YAML parser, 10 MiB that the supervisor would carry for good. So it
runs this module once, and keeps what it prints: ``python -m device_agent.supervising.terms gateway.yaml``.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from device_agent.config.fleet_probe import ProbeConfig
from device_agent.config.fleet_supervise import SuperviseConfig
from device_agent.errors import ConfigError, ThresherError

_WITHIN_S: Final = 60.0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """See the module.

    Attributes:
        gateway: The gateway's id.
        state_dir: Its state folder, which exists.
        forwards: Whether it has an uplink, and so an agent.
        supervise: See ``SuperviseConfig``.
        probe: See ``ProbeConfig``.
    """

    gateway: str
    state_dir: str
    forwards: bool = True
    supervise: SuperviseConfig = SuperviseConfig()
    probe: ProbeConfig = ProbeConfig()

    @property
    def folder(self) -> Path:
        """The state folder."""
        return Path(self.state_dir)

    @property
    def install(self) -> Path | None:
        """Where releases lie."""
        return Path(self.supervise.install_dir) if self.supervise.install_dir else None


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    message: str
    remedy: str


def read_terms(path: Path) -> Terms:
    """Reads them.

    Raises:
        ConfigError: The document is wrong; names the place.
        ThresherError: It could not be read in time.
    """
    command = (sys.executable, "-m", "device_agent.supervising.terms", str(path))
    try:
        done = subprocess.run(command, capture_output=True, timeout=_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ThresherError(f"{path}: cannot be read: {exc}") from exc
    try:
        if done.returncode == 0:
            return msgspec.json.decode(done.stdout, type=Terms)
        problem = msgspec.json.decode(done.stdout, type=_Problem)
    except msgspec.DecodeError as exc:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ThresherError(f"{path}: cannot be read: {said}", remedy=f"thresher config --config {path}") from exc
    raise ConfigError(problem.message, remedy=problem.remedy)


def main(path: Path) -> int:
    """Prints the terms of a document, or what is wrong with it."""
    from device_agent.config import load  # noqa: PLC0415 - the supervisor imports this module for its Struct
    from device_agent.state import state_folder  # noqa: PLC0415 - same

    said: Terms | _Problem
    try:
        config = load(path)
        said = Terms(
            gateway=config.gateway,
            state_dir=str(state_folder(config)),
            forwards=config.uplink is not None,
            supervise=config.fleet.supervise,
            probe=config.fleet.probe,
        )
    except ThresherError as exc:
        said = _Problem(message=str(exc), remedy=exc.remedy)
    sys.stdout.buffer.write(msgspec.json.encode(said))
    return int(isinstance(said, _Problem))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
