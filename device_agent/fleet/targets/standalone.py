"""The targets of a gateway without a nucleus: a kind that is missing is not updated by jobs here."""

from pathlib import Path

from contract.jobs import Kind
from device_agent.fleet.targets.application import ApplicationTarget, Restart
from device_agent.fleet.targets.configuration import ConfigurationTarget
from device_agent.fleet.targets.model import ModelTarget
from device_agent.fleet.update.port import Target


def targets_of(state_dir: Path, install: Path | None, document: Path, *, restart: Restart) -> dict[Kind, Target]:
    """By kind.

    Args:
        state_dir: The state folder.
        install: Where releases of the application lie; without it there are none.
        document: The gateway's own document.
        restart: Has processes start from the release in use.
    """
    targets: dict[Kind, Target] = {
        "model": ModelTarget(state_dir),
        "configuration": ConfigurationTarget(state_dir, document),
    }
    if install is not None:
        targets["application"] = ApplicationTarget(install, restart)
    return targets
