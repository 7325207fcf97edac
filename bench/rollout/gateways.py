"""Gateways with real supervisors and real agents; what they keep running is the stub workload."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from bench.rollout.releases import Version, install
from bench.rollout.workload import HEALTH_S, SENSOR
from device_agent.config import FleetConfig, GatewayConfig, SpoolConfig, UplinkConfig
from device_agent.config.fleet_supervise import SuperviseConfig
from device_agent.config.fleet_trust import TrustConfig
from device_agent.files import atomic_write
from device_agent.sensors.host import HostSensor
from twin.children import Child, child_environment
from twin.cloud import Deployment
from twin.errors import TwinError
from twin.gateways import AgentStatus
from twin.ports import LOOPBACK

_READY_S: Final = 240.0
_POLL_S: Final = 0.5
_STARTS_AT_ONCE: Final = 5


class Supervised:
    """One gateway: its folders, its document, its supervisor.

    Args:
        name: The thing's.
        folder: Its own.
        root: The root document that it trusts.
        first: The release it was delivered with.
    """

    def __init__(self, name: str, folder: Path, *, root: Path, first: Version) -> None:
        self.name = name
        self._folder = folder
        self._install = folder / "releases"
        self._state = folder / "state"
        self._root = root
        self._child: Child | None = None
        for each in (self._install, self._state, folder / "home"):
            each.mkdir(parents=True)
        install(first, self._install)

    def provision(self, deployment: Deployment) -> None:
        """Makes its identity and writes its document."""
        device = deployment.provisioner().provision(self.name, self._folder / "identity")
        config = GatewayConfig(
            gateway=self.name,
            state_dir=str(self._state),
            sensors=[HostSensor(name=SENSOR)],
            spool=SpoolConfig(reserve_bytes=65536),
            health_s=HEALTH_S,
            uplink=UplinkConfig(
                endpoint=LOOPBACK,
                port=deployment.endpoint.mqtt_port,
                certificate=str(device.certificate),
                private_key=str(device.private_key),
                ca=str(device.ca),
                rule=deployment.outputs.rule_name,
                linger_s=0.5,
            ),
            fleet=FleetConfig(
                trust=TrustConfig(root=str(self._root)),
                supervise=SuperviseConfig(install_dir=str(self._install), hang_after_s=120.0),
            ),
        )
        atomic_write(self._folder / "gateway.yaml", msgspec.yaml.encode(config))

    def start(self) -> None:
        """Starts the supervisor, which starts the rest."""
        self._child = Child(
            f"{self.name} supervise",
            ("-m", "thresher", "supervise", "--config", str(self._folder / "gateway.yaml")),
            log=self._folder / "supervise.log",
            environment=child_environment(self._folder / "home"),
        )

    def ask_to_end(self) -> None:
        """Signals without waiting."""
        if self._child is not None:
            self._child.terminate()

    def stop(self) -> None:
        """Ends it and what it started."""
        if self._child is not None:
            self._child.stop(30.0)

    def check(self) -> None:
        """Raises ``TwinError`` if the supervisor has ended."""
        if self._child is not None:
            self._child.check()

    @property
    def is_connected(self) -> bool:
        """Whether its agent says so."""
        try:
            said = msgspec.json.decode((self._state / "agent-status.json").read_bytes(), type=AgentStatus)
        except (OSError, msgspec.DecodeError):
            return False
        return said.connected

    @property
    def version(self) -> str:
        """Of the release in use: what the link names."""
        return (self._install / "current").readlink().name.rpartition("-")[0]


class Gateways:
    """A context manager: leaving it ends all of them."""

    def __init__(self, gateways: Sequence[Supervised]) -> None:
        self.all = gateways

    def start(self, deployment: Deployment) -> None:
        """Provisions and starts them, a few at a time; returns when each is connected.

        Raises:
            TwinError: One ended, or was not connected in time.
        """
        deadline = time.monotonic() + _READY_S
        for first in range(0, len(self.all), _STARTS_AT_ONCE):
            some = self.all[first : first + _STARTS_AT_ONCE]
            for gateway in some:
                gateway.provision(deployment)
                gateway.start()
            while not all(gateway.is_connected for gateway in some):
                self.check()
                if time.monotonic() > deadline:
                    raise TwinError(f"not connected within {_READY_S:.0f} s", remedy="try fewer with --gateways")
                time.sleep(_POLL_S)

    def check(self) -> None:
        """Raises ``TwinError`` if a supervisor has ended."""
        for gateway in self.all:
            gateway.check()

    def versions(self) -> dict[str, int]:
        """How many run what."""
        found: dict[str, int] = {}
        for gateway in self.all:
            found[gateway.version] = found.get(gateway.version, 0) + 1
        return dict(sorted(found.items()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for gateway in self.all:
            gateway.ask_to_end()
        for gateway in self.all:
            gateway.stop()
