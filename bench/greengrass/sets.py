"""The two sets of components, and the document by which they work here.

The plant plays fast, so that an hour of it passes in minutes: summaries once a second, an episode that is open most
of the time.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.plant import SENSOR, Fault
from twin.nucleus.plan import Change

SPEED: Final = 20.0
RECORDING_S: Final = 240.0
FAULT: Final = Fault(begin_s=40.0, seconds=190.0, channel=3)
"""After the calibration; until shortly before the end."""

_CALIBRATION_SCANS: Final = 256
_NEVER_S: Final = 86_400.0
_STAGES: Final = ("Gateway", "SensorReader", "EdgeFilter", "EventForwarder")


class ComponentSet(NamedTuple):
    """Components that are deployed together.

    Attributes:
        name: Of the set.
        components: Without ``io.thresher.``.
        keeper: The one in whose folder the spool lies.
    """

    name: str
    components: tuple[str, ...]
    keeper: str

    @property
    def names(self) -> tuple[str, ...]:
        """As a nucleus knows them."""
        return tuple(full(each) for each in self.components)

    def configured(self, document: dict[str, Any]) -> dict[str, Change]:
        """The document, for every component that works by one."""
        return {full(each): Change(merge=document) for each in self.components if each in _STAGES}


GATEWAY: Final = ComponentSet("gateway", ("Gateway", "FleetAgent", "EdgeModel"), "Gateway")
SPLIT: Final = ComponentSet(
    "split", ("SensorReader", "EdgeFilter", "EventForwarder", "FleetAgent", "EdgeModel"), "EdgeFilter"
)
SETS: Final = {each.name: each for each in (GATEWAY, SPLIT)}


def full(component: str) -> str:
    """A component's whole name."""
    return f"io.thresher.{component}"


def working(recording: Path) -> dict[str, Any]:
    """The document at work."""
    return {
        "sensors": [{"type": "replay", "name": SENSOR, "path": str(recording), "loop": True, "speed": SPEED}],
        "filter": {"calibration_scans": _CALIBRATION_SCANS},
        "summary_s": 1.0,
        "health_s": 5.0,
        "uplink": {"type": "greengrass", "linger_s": 0.2},
        "updates": {"recheck_s": 1.0, "defer_limit_s": 4.0},
    }


def resting() -> dict[str, Any]:
    """The document of a gateway that has nothing more to say, so that its spool can run dry."""
    return {
        "sensors": [{"type": "host", "name": "machine", "rate_hz": 0.01}],
        "summary_s": _NEVER_S,
        "health_s": _NEVER_S,
    }
