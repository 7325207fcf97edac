"""Where a component runs, as its nucleus says by environment and working folder.

Source: greengrass nucleus, ``ShellRunner`` and ``GenericExternalService``; greengrass-lite, ``recipe-runner``.
Not here: the connection to the nucleus (``device_agent.ipc.opening``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from device_agent.ipc.opening import SOCKET_VARIABLE

THING_VARIABLE: Final = "AWS_IOT_THING_NAME"

GATEWAY: Final = "io.thresher.Gateway"
SENSOR_READER: Final = "io.thresher.SensorReader"
EDGE_FILTER: Final = "io.thresher.EdgeFilter"
EVENT_FORWARDER: Final = "io.thresher.EventForwarder"
FLEET_AGENT: Final = "io.thresher.FleetAgent"
EDGE_MODEL: Final = "io.thresher.EdgeModel"


class Place(NamedTuple):
    """One component's.

    Attributes:
        component: Its name.
        thing: The core device's thing name; empty where the nucleus does not say.
        work: Its own folder, which is the working folder; other components' folders lie beside it.
        nucleus: Names the nucleus on this machine.
    """

    component: str
    thing: str
    work: Path
    nucleus: str

    def work_of(self, component: str) -> Path:
        """Another component's folder."""
        return self.work.parent / component


def read_place(component: str, environment: Mapping[str, str], work: Path) -> Place:
    """The place of the process that runs with this environment and working folder."""
    socket = environment.get(SOCKET_VARIABLE, "")
    nucleus = str((work / socket).resolve()) if socket else ""  # the classic one's may be relative
    return Place(component, environment.get(THING_VARIABLE, ""), work, nucleus)
