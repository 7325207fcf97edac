"""A broker, its collector, and gateways as real processes that speak to it.

```
thresher run + thresher agent ══mutual TLS══▶ [counting proxy ▶] mosquitto ──▶ collector
```
Not here: what is measured of them.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np

from bench.edge.collector import Came, Collector, issue
from bench.mosquitto import Mosquitto
from bench.station import Station
from bench.tls_proxy import Authority
from contract.topics import DEFAULT_RULE
from device_agent.config import GatewayConfig
from device_agent.sensors.port import Channel
from device_agent.sensors.recording_layout import METADATA_PREFIX, TIMESTAMP_COLUMN, Metadata
from device_agent.sensors.replay import ReplaySensor
from twin.errors import TwinError
from twin.gateways import RunStatus

CHANNELS: Final = 8
CALM_HZ: Final = 10.0
_ACCESS: Final = """
pattern readwrite $aws/#
pattern readwrite fleet/#
pattern readwrite peers/#
user listener
topic readwrite v1/#
user thingsboard-gateway-sqlite
topic write v1/#
topic read v1/devices/me/rpc/response/+
topic read v1/devices/me/attributes/#
topic read v1/gateway/#
"""
"""A client of ThingsBoard asks its server by a topic that it also hears: it must not answer itself."""

_ROWS: Final = 20_000
_POLL_S: Final = 0.05


class Scenery:
    """A context manager; leaving it ends everything.

    Args:
        folder: Its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cleanup = ExitStack()
        self.authority = Authority(folder / "authority")
        self.broker = Mosquitto(folder / "broker", self.authority, access=_ACCESS)
        self._collector: Collector | None = None

    def gateway(
        self, config: GatewayConfig, *, port: int | None = None, program: str = "thresher", **uplink: float
    ) -> Station:
        """A gateway with a certificate, its document written; it ends with the scenery. See ``Station``."""
        folder = self.folder / config.gateway
        device = issue(self.authority, config.gateway, folder / "identity")
        station = self._cleanup.enter_context(Station(config, folder, program=program))
        station.reach(device, port=port or self.broker.port, rule=DEFAULT_RULE, **uplink)
        return station

    def noise(self, name: str, rate_hz: float) -> ReplaySensor:
        """Eight noisy channels at a rate: a recording that was made at it."""
        recording = self.folder / f"noise-{rate_hz:g}.csv"
        if not recording.exists():
            write_noise(recording, rate_hz)
        return ReplaySensor(name=name, path=str(recording), loop=True)

    def came(self, station: Station) -> Came:
        """What the collector has of a gateway."""
        if self._collector is None:
            raise TwinError("the scenery is not open", remedy="enter it first")
        return self._collector.of(station.config.gateway)

    def __enter__(self) -> Self:
        self._cleanup.enter_context(self.broker)
        folder = self.folder / "collector"
        self._collector = self._cleanup.enter_context(Collector(folder, self.authority, self.broker.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()


def write_noise(path: Path, rate_hz: float) -> None:
    """Writes a recording of eight channels of seeded white noise, 40 steps of resolution wide."""
    source = np.random.default_rng(11)
    rows = np.round(source.normal(20.0, 0.04, (_ROWS, CHANNELS)), 3)
    channels = [Channel(name=f"channel_{number}", resolution=0.001) for number in range(CHANNELS)]
    metadata = msgspec.json.encode(Metadata(sensor="noise", rate_hz=rate_hz, channels=channels)).decode()
    lines = [f"{METADATA_PREFIX}{metadata}", ",".join([TIMESTAMP_COLUMN, *(channel.name for channel in channels)])]
    lines += [f"{at / rate_hz:.6f}," + ",".join(f"{value:.3f}" for value in row) for at, row in enumerate(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def until(claim: Callable[[], bool], station: Station, timeout_s: float, what: str) -> None:
    """Waits for a claim; raises ``TwinError`` naming ``what`` if a process ends or time does."""
    deadline_s = time.monotonic() + timeout_s
    while not claim():
        station.check()
        if time.monotonic() > deadline_s:
            raise TwinError(f"{what} within {timeout_s:g} s", remedy="try on a calmer machine")
        time.sleep(_POLL_S)


def hold(seconds: float, *stations: Station) -> float:
    """Waits while gateways run; returns how long it was."""
    began_s = time.monotonic()
    while (left_s := began_s + seconds - time.monotonic()) > 0:
        for station in stations:
            station.check()
        time.sleep(min(1.0, left_s))
    return time.monotonic() - began_s


def status_of(station: Station) -> RunStatus:
    """What sensing says of itself; zeros before it said anything."""
    return station.run_status() or RunStatus()


def pids_of(station: Station) -> tuple[int, int]:
    """Both processes of a gateway."""
    return station.pid("run"), station.pid("agent")
