"""What the fleet may do to a gateway. Each part of it has a Struct in a module of its own (``fleet_<part>``)."""

from pathlib import Path

import msgspec

from device_agent.config.fleet_commands import CommandsConfig
from device_agent.config.fleet_identity import IdentityConfig, located_identity
from device_agent.config.fleet_jobs import JobsConfig
from device_agent.config.fleet_logs import LogsConfig, located_logs
from device_agent.config.fleet_probe import ProbeConfig
from device_agent.config.fleet_supervise import SuperviseConfig, located_supervise
from device_agent.config.fleet_trust import TrustConfig
from device_agent.config.fleet_tunnel import TunnelConfig, located_tunnel
from device_agent.config.fleet_update import UpdateConfig, located_update
from device_agent.config.fleet_visibility import VisibilityConfig


class FleetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet``.

    Attributes:
        commands: What job documents of others may run, see ``CommandsConfig``.
        identity: How this gateway gets its certificate and renews it, see ``IdentityConfig``.
        probe: How a new version is judged, see ``ProbeConfig``.
        supervise: How processes are kept running, see ``SuperviseConfig``.
        jobs: How jobs are heeded, see ``JobsConfig``.
        logs: Which log lines are sent, see ``LogsConfig``.
        trust: Whom updates are taken from, see ``TrustConfig``.
        tunnel: Who may reach it from afar, see ``TunnelConfig``.
        update: When, from where and how much, see ``UpdateConfig``.
        visibility: What it says of itself, see ``VisibilityConfig``.
    """

    commands: CommandsConfig = CommandsConfig()
    identity: IdentityConfig = IdentityConfig()
    probe: ProbeConfig = ProbeConfig()
    supervise: SuperviseConfig = SuperviseConfig()
    jobs: JobsConfig = JobsConfig()
    logs: LogsConfig = LogsConfig()
    trust: TrustConfig = TrustConfig()
    tunnel: TunnelConfig = TunnelConfig()
    update: UpdateConfig = UpdateConfig()
    visibility: VisibilityConfig = VisibilityConfig()


def located_fleet(fleet: FleetConfig, folder: Path) -> FleetConfig:
    """The same section with its relative paths taken from a folder."""
    trust = fleet.trust
    if trust.root:
        trust = msgspec.structs.replace(trust, root=str(folder / trust.root))
    return msgspec.structs.replace(
        fleet,
        identity=located_identity(fleet.identity, folder),
        supervise=located_supervise(fleet.supervise, folder),
        logs=located_logs(fleet.logs, folder),
        trust=trust,
        tunnel=located_tunnel(fleet.tunnel, folder),
        update=located_update(fleet.update, folder),
    )
