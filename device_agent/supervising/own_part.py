"""What an update needs of a document that this installation may not understand.

The document may be one for a newer release that is in use, or half of a mistake; what carries updates back must work
all the same. So of such a document it takes the keys of ``fleet`` that it knows, and whether a model is named.

Not here: what the supervisor itself needs of it (``terms``). It loads all of the configuration: import it late.
"""

from pathlib import Path
from typing import Any

import msgspec

from device_agent.config import FilterConfig, GatewayConfig, load
from device_agent.config.fleet import FleetConfig, located_fleet
from device_agent.config.fleet_trust import TrustConfig
from device_agent.config.fleet_update import UpdateConfig
from device_agent.config.reading import read
from device_agent.errors import ConfigError
from device_agent.sensors.host import HostSensor
from device_agent.supervising.terms import Terms, known_section


def load_for_updates(document: Path, terms: Terms) -> GatewayConfig:
    """The document; where it is not understood, one that holds what updates need of it.

    Raises:
        ConfigError: It cannot even be read as YAML.
    """
    try:
        return load(document)
    except ConfigError:
        values: dict[str, Any] = read(document).merged.values
    fleet, filtering = (_mapping(values.get(name)) for name in ("fleet", "filter"))
    own = FleetConfig(
        trust=known_section(fleet.get("trust"), TrustConfig), update=known_section(fleet.get("update"), UpdateConfig)
    )
    model = filtering.get("model")
    return GatewayConfig(
        gateway=terms.gateway,
        state_dir=terms.state_dir,
        sensors=[HostSensor(name="host")],  # not read: a document has at least one
        filter=FilterConfig(model=model if isinstance(model, str) else ""),
        fleet=msgspec.structs.replace(
            located_fleet(own, document.absolute().parent), supervise=terms.supervise, probe=terms.probe
        ),
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
