"""The fleet's side of one gateway, put together; and who carries out which action.

What nobody here carries out is rejected.

Each part of the fleet adds its own line; what it needs is in ``Ground``.
"""

import functools
from pathlib import Path
from typing import Final, NamedTuple

from contract.jobs import (
    ApplyBundle,
    CollectDiagnostics,
    Kind,
    Reboot,
    Recalibrate,
    Restart,
    RotateCertificate,
    RunCommand,
    RunHandler,
)
from device_agent.config import GatewayConfig
from device_agent.fleet.commands.conditions import known_attributes, unmet
from device_agent.fleet.commands.performing import Commands
from device_agent.fleet.identity.rotation import Rotation
from device_agent.fleet.jobs import OWN, THROUGH_A_NUCLEUS, Jobs
from device_agent.fleet.judging import Judge
from device_agent.fleet.port import Performers
from device_agent.fleet.restarting import Restarting
from device_agent.fleet.status import STATUS_FILE
from device_agent.fleet.targets.standalone import refusal
from device_agent.fleet.tending.diagnostics import Diagnostics
from device_agent.fleet.tending.parts import Seat, parts
from device_agent.fleet.tending.rebooting import Rebooting
from device_agent.fleet.tending.recalibrating import Recalibrating
from device_agent.fleet.update.performer import bundle_performer
from device_agent.identity import read_identity
from device_agent.machine import Machine
from device_agent.uplink.port import Uplink

FOLDER: Final = "fleet"
"""Beside the spool: journals and records of jobs."""


class Ground(NamedTuple):
    """What performers stand on.

    Attributes:
        config: The gateway's document, or under Greengrass what is known of it without a section of its own.
        folder: For what must survive a restart: the state folder, or the component's own one.
        machine: Clocks and fingerprint.
        uplink: The gateway's connection; somebody else connects it.
        nucleus_owns: Whether a Greengrass nucleus owns applications, key and certificate.
        seat: Of the process that senses and filters, where it has a document and a folder of its own.
    """

    config: GatewayConfig
    folder: Path
    machine: Machine
    uplink: Uplink
    nucleus_owns: bool = False
    seat: Seat | None = None


def performers(ground: Ground, rotation: Rotation) -> Performers:
    """All there are here."""
    config, state = ground.config, Path(ground.config.state_dir)
    seat = ground.seat or Seat(lambda: config, lambda: [state], state)
    boot_id = read_identity(config.gateway).boot_id
    commands = Commands(config.fleet.commands, ground.folder / FOLDER, boot_id=boot_id)
    return {
        RunHandler: commands,
        RunCommand: commands,
        ApplyBundle: bundle_performer(ground.folder, functools.partial(_refusal, ground)),
        Restart: Restarting(ground.folder),
        Reboot: Rebooting(commands),
        Recalibrate: Recalibrating(seat.look),
        CollectDiagnostics: Diagnostics(parts(seat)),
        RotateCertificate: rotation,
    }


def _refusal(ground: Ground, kind: Kind) -> str:
    """Why no job may bring a kind of thing here; empty if one may, or if it depends on what it holds."""
    if not ground.nucleus_owns:
        return refusal(ground.config, kind)
    if kind == "application":
        return "applications of this gateway are updated by Greengrass deployments, never by jobs"
    return ""


def open_jobs(ground: Ground, rotation: Rotation) -> Jobs:
    """The conversation with IoT Jobs; begins with ``run``. ``rotation`` is of whoever owns the certificate here."""
    config = ground.config
    attributes = known_attributes(config.gateway, config.fleet.commands)
    return Jobs(
        ground.uplink,
        config.gateway,
        Judge(performers(ground, rotation), lambda document: unmet(document.conditions, attributes)),
        config=config.fleet.jobs,
        folder=ground.folder / FOLDER,
        status_file=ground.folder / STATUS_FILE,
        monotonic_s=lambda: ground.machine.clock.monotonic_ns() / 1e9,
        patience=THROUGH_A_NUCLEUS if ground.nucleus_owns else OWN,
        performers_hear=rotation.hears(),
    )
