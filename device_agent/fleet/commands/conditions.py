"""A document's conditions: whether it means this gateway.

All must hold, each by one of its values. A gateway that is not meant rejects the job: no other try makes it another
gateway. What it does not know about itself holds nothing.
"""

import platform
from collections.abc import Iterable, Mapping

from contract.job_documents import Condition
from device_agent import VERSION
from device_agent.config.fleet_commands import CommandsConfig


def known_attributes(gateway_id: str, config: CommandsConfig) -> dict[str, str]:
    """What a gateway knows about itself; the configuration cannot say otherwise of the first."""
    return {
        **config.attributes,
        "thingName": gateway_id,
        "agent": "thresher",
        "agentVersion": VERSION,
        "operatingSystem": platform.system().lower(),
        "architecture": platform.machine(),
    }


def unmet(conditions: Iterable[Condition], attributes: Mapping[str, str]) -> str:
    """Why a gateway is not meant, for a person; empty if it is."""
    for condition in conditions:
        found = attributes.get(condition.key)
        if found is None:
            return f"condition not met: this gateway has no attribute {condition.key!r}"
        if found not in condition.value:
            wanted = ", ".join(condition.value)
            return f"condition not met: {condition.key!r} is {found!r}, the document wants {wanted}"
    return ""
