"""A core device without lifecycle: the emulated nucleus's IPC, and our components as processes under it.

The programs are those that ship (``components/*/main.py``), in this checkout's environment; policies are the recipes'.
Not here: recipes, archives and deployments (``thresher nucleus run``).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from device_agent.greengrass.place import (
    EDGE_FILTER,
    EVENT_FORWARDER,
    FLEET_AGENT,
    GATEWAY,
    SENSOR_READER,
    THING_VARIABLE,
)
from device_agent.ipc.opening import CLIENT_VARIABLE, SOCKET_VARIABLE, TOKEN_VARIABLE
from operations.publishing.policies import access_control
from twin.nucleus.broker import MemoryBroker
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.ipc import NucleusIpc
from twin.nucleus.profile import PROFILES, Name
from twin.nucleus.registry import MemoryRegistry
from twin.nucleus.switchboard import Surroundings

THING: Final = "press-3"
ROOT: Final = Path(__file__).parents[1]
MAINS: Final = {
    GATEWAY: "gateway",
    SENSOR_READER: "sensor_reader",
    EDGE_FILTER: "edge_filter",
    EVENT_FORWARDER: "event_forwarder",
    FLEET_AGENT: "fleet_agent",
}
_ENDS_WITHIN_S: Final = 6.0


class BareCore:
    """A context manager; everything ends with it.

    Args:
        profile: Which nucleus.
        client: Of its IPC in our components, see ``docs/ipc.md``.

    Attributes:
        folder: Of everything; short, for a socket's path has at most 107 bytes.
        broker: IoT Core.
        ipc: The nucleus's.
    """

    def __init__(self, profile: Name, *, client: str = "sdk") -> None:
        self._client = client
        self._temporary = tempfile.TemporaryDirectory(prefix="gg")
        self.folder = Path(self._temporary.name)
        self.broker = MemoryBroker()
        self._registry = MemoryRegistry()
        self._store = ConfigurationStore(None, PROFILES[profile])
        self.ipc = NucleusIpc(
            self.folder / PROFILES[profile].socket_name,
            self._registry,
            profile=PROFILES[profile],
            configuration=self._store,
            surroundings=Surroundings(thing_name=THING, broker=self.broker),
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def work(self, component: str) -> Path:
        """A component's own folder."""
        folder = self.folder / "work" / component
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def configure(self, component: str, merge: dict[str, Any]) -> None:
        """As a deployment does, with the recipe's defaults."""
        defaults = {"accessControl": access_control(component)}
        resolved = self._store.resolve(component, defaults=defaults, merge=merge, ms=1)
        for place in self._store.install(resolved):
            self.ipc.configuration_changed(component, place)

    def start(self, component: str) -> "subprocess.Popen[bytes]":
        """The component's program, with a token of its own."""
        environment = {
            SOCKET_VARIABLE: str(self.ipc.path),
            TOKEN_VARIABLE: self._registry.add(component, access_control(component)),
            THING_VARIABLE: THING,
            CLIENT_VARIABLE: self._client,
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
        }
        with self.log(component).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-u", str(ROOT / "components" / MAINS[component] / "main.py")],
                cwd=self.work(component),
                env=environment,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def log(self, component: str) -> Path:
        """What it wrote to stderr."""
        return self.folder / f"{component}.log"

    def __enter__(self) -> Self:
        self.ipc.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_ENDS_WITHIN_S)
        self.ipc.close()
        if error is not None:
            for log in sorted(self.folder.glob("*.log")):
                sys.stderr.write(f"--- {log.name}\n{log.read_text()[-3000:]}\n")
        self._temporary.cleanup()
