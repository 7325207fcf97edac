"""Which performers a gateway has: who carries out which action. What nobody here carries out is rejected.

Each part of the fleet adds its own line; what it needs is in ``Ground``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from contract.jobs import ApplyBundle, RunCommand, RunHandler
from device_agent.config import GatewayConfig
from device_agent.fleet.commands.performing import Commands
from device_agent.fleet.port import Performer
from device_agent.fleet.update.performer import bundle_performer
from device_agent.identity import read_identity
from device_agent.machine import Machine
from device_agent.uplink.port import Uplink


class Ground(NamedTuple):
    """What performers stand on.

    Attributes:
        config: The gateway's document, or under Greengrass what is known of it without a section of its own.
        folder: For what must survive a restart: the state folder, or the component's own one.
        machine: Clocks and fingerprint.
        uplink: The gateway's connection; somebody else connects it.
        nucleus_owns: Whether a Greengrass nucleus owns applications, key and certificate.
    """

    config: GatewayConfig
    folder: Path
    machine: Machine
    uplink: Uplink
    nucleus_owns: bool = False


Performers = Mapping[type[Any], Performer]
"""By the type of the action."""


def performers(ground: Ground) -> Performers:
    """All there are here."""
    boot_id = read_identity(ground.config.gateway).boot_id
    commands = Commands(ground.config.fleet.commands, ground.folder / "fleet", boot_id=boot_id)
    return {
        RunHandler: commands,
        RunCommand: commands,
        ApplyBundle: bundle_performer(ground.folder, nucleus_owns=ground.nucleus_owns),
    }
