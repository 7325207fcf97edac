"""The whole document of one gateway.

Not here: what a driver's section may hold (each driver's own Struct), reading it (``loading``).
"""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from device_agent.config.filtering import ContextConfig, DriftConfig, FilterConfig
from device_agent.config.fleet import FleetConfig, located_fleet
from device_agent.config.keeping import SpoolConfig
from device_agent.config.uplink import UplinkConfig, located_uplink
from device_agent.outputs.drivers import AnyOutputConfig
from device_agent.rules.config import RuleConfig
from device_agent.sensors.drivers import AnySensorConfig

PositiveFloat = Annotated[float, Meta(gt=0)]


class Extends(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Documents that this one is laid over; paths, empty for none. The lowest is ``fleet``, then ``type``, ``site``.

    Attributes:
        fleet: What holds for every gateway.
        type: What holds for gateways of this kind.
        site: What holds for those of this place.
    """

    fleet: str = ""
    type: str = ""
    site: str = ""


class UpdatesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an update of a Greengrass component waits for an open episode.

    Attributes:
        recheck_s: After this long the nucleus asks again.
        defer_limit_s: No update waits longer; 0 lets none wait.
    """

    recheck_s: Annotated[float, Meta(gt=0, le=3600)] = 20.0
    defer_limit_s: Annotated[float, Meta(ge=0)] = 900.0


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole document.

    Attributes:
        gateway: The gateway's id; with AWS IoT it is the thing's name.
        state_dir: Folder for everything that must survive: spool, calibration, status.
        extends: Layers below this document, see ``Extends``.
        sensors: At least one.
        filter: See ``FilterConfig``; the same for all sensors.
        context: See ``ContextConfig``.
        drift: See ``DriftConfig``; the same for all sensors.
        spool: See ``SpoolConfig``.
        uplink: Only ``thresher agent`` needs it; without it, ``thresher run`` fills the spool.
        summary_s: Length of a summary window.
        health_s: How often the gateway says how it is.
        updates: Only under Greengrass, see ``UpdatesConfig``.
        rules: Conditions beside the model, see ``RuleConfig``.
        outputs: What rules switch, see ``OutputConfig``.
        fleet: What jobs may do here, see ``FleetConfig``.
    """

    gateway: str
    state_dir: str
    sensors: Annotated[list[AnySensorConfig], Meta(min_length=1)]
    extends: Extends = Extends()
    filter: FilterConfig = FilterConfig()
    context: ContextConfig = ContextConfig()
    drift: DriftConfig = DriftConfig()
    spool: SpoolConfig = SpoolConfig()
    uplink: UplinkConfig | None = None
    summary_s: PositiveFloat = 60.0
    health_s: PositiveFloat = 60.0
    updates: UpdatesConfig = UpdatesConfig()
    rules: list[RuleConfig] = []
    outputs: list[AnyOutputConfig] = []
    fleet: FleetConfig = FleetConfig()

    def model_path(self) -> Path | None:
        """Where the configured model lies; ``None`` for the one that ships."""
        return Path(self.filter.model) if self.filter.model else None


def located(config: GatewayConfig, folder: Path) -> GatewayConfig:
    """The same document with its relative paths taken from a folder."""
    uplink = config.uplink
    if uplink is not None:
        uplink = located_uplink(uplink, folder)
    model = str(folder / config.filter.model) if config.filter.model else ""
    shadow = config.filter.shadow
    if shadow is not None and shadow.model:
        shadow = msgspec.structs.replace(shadow, model=str(folder / shadow.model))
    return msgspec.structs.replace(
        config,
        state_dir=str(folder / config.state_dir),
        sensors=[sensor.located(folder) for sensor in config.sensors],
        filter=msgspec.structs.replace(config.filter, model=model, shadow=shadow),
        uplink=uplink,
        fleet=located_fleet(config.fleet, folder),
    )
