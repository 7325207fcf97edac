"""What the supervisor works by, read from the gateway's document by a process of its own.

Reading a document loads every driver's Struct and a YAML parser, 10 MiB that the supervisor would carry for good. So it
runs this module once, and keeps what it prints: ``python -m device_agent.supervising.terms gateway.yaml``.

A document that this installation does not understand may be one for a newer release, which is in use: a supervisor that
did not start for it would keep everything from starting. So of such a document the supervisor takes its own few keys.
"""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from device_agent.config.fleet_probe import ProbeConfig
from device_agent.config.fleet_supervise import SuperviseConfig, located_supervise
from device_agent.errors import ConfigError, ThresherError

if TYPE_CHECKING:
    from device_agent.config.reading import Document

_WITHIN_S: Final = 60.0
_LENIENT: Final = "--lenient"

Section = TypeVar("Section", bound=msgspec.Struct)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """See the module.

    Attributes:
        gateway: The gateway's id.
        state_dir: Its state folder, which exists.
        forwards: Whether it has an uplink, and so an agent.
        supervise: See ``SuperviseConfig``.
        probe: See ``ProbeConfig``.
        trouble: Why the document is not understood, so that only these terms were taken of it; empty if it is.
    """

    gateway: str
    state_dir: str
    forwards: bool = True
    supervise: SuperviseConfig = SuperviseConfig()
    probe: ProbeConfig = ProbeConfig()
    trouble: str = ""

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


def read_terms(path: Path, *, lenient: bool = False) -> Terms:
    """Reads them.

    Args:
        path: Of the document.
        lenient: See the module; whether ``trouble`` is told rather than raised.

    Raises:
        ConfigError: The document is wrong; names the place.
        ThresherError: It could not be read in time.
    """
    command = (sys.executable, "-m", "device_agent.supervising.terms", str(path), *([_LENIENT] if lenient else []))
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


def main(path: Path, *, lenient: bool) -> int:
    """Prints the terms of a document, or what is wrong with it."""
    said: Terms | _Problem
    try:
        said = _terms(path, lenient=lenient)
    except ThresherError as exc:
        said = _Problem(message=str(exc), remedy=exc.remedy)
    sys.stdout.buffer.write(msgspec.json.encode(said))
    return int(isinstance(said, _Problem))


def _terms(path: Path, *, lenient: bool) -> Terms:
    from device_agent.config import load  # noqa: PLC0415 - the supervisor imports this module for its Struct
    from device_agent.state import state_folder  # noqa: PLC0415 - same

    try:
        config = load(path)
        return Terms(
            gateway=config.gateway,
            state_dir=str(state_folder(config)),
            forwards=config.uplink is not None,
            supervise=config.fleet.supervise,
            probe=config.fleet.probe,
        )
    except ConfigError as exc:
        if not lenient:
            raise
        from device_agent.config.reading import read  # noqa: PLC0415 - same

        return _own_keys(read(path), path.absolute().parent, exc)


def _own_keys(document: "Document", folder: Path, trouble: ConfigError) -> Terms:
    """The terms of a document that is not understood; raises ``trouble`` where not even they are there."""
    values: dict[str, Any] = document.merged.values
    gateway, state_dir = values.get("gateway"), values.get("state_dir")
    if not (isinstance(gateway, str) and isinstance(state_dir, str) and (folder / state_dir).is_dir()):
        raise trouble
    fleet = values.get("fleet")
    sections = fleet if isinstance(fleet, dict) else {}
    return Terms(
        gateway=gateway,
        state_dir=str(folder / state_dir),
        forwards=values.get("uplink") is not None,
        supervise=located_supervise(known_section(sections.get("supervise"), SuperviseConfig), folder),
        probe=known_section(sections.get("probe"), ProbeConfig),
        trouble=str(trouble),
    )


def known_section(values: object, kind: type[Section]) -> Section:
    """What of a section is known here; its defaults where that makes no sense."""
    known = (
        {name: values[name] for name in kind.__struct_fields__ if name in values} if isinstance(values, dict) else {}
    )
    try:
        return msgspec.convert(known, kind)
    except msgspec.ValidationError:
        return kind()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), lenient=_LENIENT in sys.argv[2:]))
