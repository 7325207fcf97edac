"""The targets of a gateway without a nucleus: a kind that is missing is not updated by jobs here."""

from pathlib import Path

from contract.jobs import Kind
from device_agent.config import GatewayConfig
from device_agent.fleet.targets.application import ApplicationTarget, Restart
from device_agent.fleet.targets.configuration import ConfigurationTarget
from device_agent.fleet.targets.model import ModelTarget
from device_agent.fleet.update.port import Target


def refusal(config: GatewayConfig, kind: Kind) -> str:
    """Why a job may not bring a kind here, for a person; empty if it may."""
    if kind == "model" and config.model_path() is not None:
        return "this gateway's document names its model (filter.model), which wins over any that a job brings"
    return ""


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
