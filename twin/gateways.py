"""Gateways as real processes: ``thresher run`` and ``thresher agent``, each with a configuration of its own.

Not here: certificates (``twin.provision``), what the processes do (``device_agent``).
"""

from pathlib import Path
from typing import Final, TypeVar

import msgspec

from contract.events import Lane, SensorState
from device_agent.config import ContextConfig, FilterConfig, GatewayConfig, UplinkConfig
from device_agent.files import atomic_write
from twin.children import Child, child_environment
from twin.errors import TwinError
from twin.ministack import Endpoint
from twin.plans import Plan
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles

_SUMMARY_S: Final = 10.0
_HEALTH_S: Final = 15.0
_LINGER_S: Final = 2.0
_RUN_STATUS: Final = "run-status.json"
_AGENT_STATUS: Final = "agent-status.json"


class SensorStatus(msgspec.Struct, frozen=True):
    """What the demo shows of a sensor; see ``contract.health.SensorHealth``."""

    state: SensorState
    scans: int = 0
    samples: int = 0
    windows: int = 0
    gaps: int = 0
    missed: int = 0
    shed: int = 0


class RunStatus(msgspec.Struct, frozen=True):
    """``run-status.json`` as far as the demo reads it."""

    uptime_ms: int = 0
    armed_after_ms: int | None = None
    accepted: int = 0
    raw_bytes: int = 0
    windows: int = 0
    samples: int = 0
    sensors: dict[str, SensorStatus] = {}
    counters: dict[str, int] = {}
    degraded: list[str] = []

    @property
    def state(self) -> str:
        """``armed`` when all sensors are, ``failed`` when one is, else ``calibrating``."""
        states = {sensor.state for sensor in self.sensors.values()}
        if states == {"armed"}:
            return "armed"
        return "failed" if "failed" in states else "calibrating"


class AgentStatus(msgspec.Struct, frozen=True):
    """``agent-status.json`` as far as the demo reads it."""

    connected: bool = False
    connects: int = 0
    sent_bytes: int = 0
    resent: int = 0
    refused: int = 0
    publishes: int = 0
    probes: int = 0
    reason: str = ""
    cloud_is_silent: bool = False
    trouble: str = ""
    pending: dict[Lane, int] = {}
    stored: dict[Lane, int] = {}

    @property
    def waiting(self) -> int:
        """Events accepted and not yet known to be stored."""
        return sum(self.pending.values())


_Status = TypeVar("_Status", RunStatus, AgentStatus)


class Gateway:
    """One gateway's two processes and its files.

    Args:
        plan: What it is.
        folder: Its own; holds configuration, state, ledger and logs.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.state_dir = folder / "state"
        self.ledger = folder / "ledger.jsonl"
        self._config = folder / "gateway.yaml"
        self._run: Child | None = None
        self._agent: Child | None = None

    @property
    def gateway_id(self) -> str:
        """The thing's name."""
        return self.plan.gateway_id

    def configure(self, endpoint: Endpoint, device: DeviceFiles, rule: str) -> None:
        """Writes ``gateway.yaml``."""
        self._configure(
            UplinkConfig(
                endpoint=LOOPBACK,
                port=endpoint.mqtt_port,
                certificate=str(device.certificate),
                private_key=str(device.private_key),
                ca=str(device.ca),
                rule=rule,
                linger_s=_LINGER_S,
            )
        )

    def configure_alone(self) -> None:
        """Writes ``gateway.yaml`` for sensing only: nothing is forwarded."""
        self._configure(None)

    def _configure(self, uplink: UplinkConfig | None) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        config = GatewayConfig(
            gateway=self.gateway_id,
            state_dir=str(self.state_dir),
            sensors=[self.plan.sensor],
            filter=FilterConfig(calibration_scans=self.plan.calibration_scans),
            context=ContextConfig(),
            uplink=uplink,
            summary_s=_SUMMARY_S,
            health_s=_HEALTH_S,
        )
        atomic_write(self._config, msgspec.yaml.encode(config))

    def start_agent(self) -> None:
        """Starts ``thresher agent``. Call from a thread that outlives it (see ``device_agent.tether``)."""
        self._agent = self._start("agent")

    def start_run(self) -> None:
        """Starts ``thresher run``. See ``start_agent``."""
        self._run = self._start("run", "--ledger", str(self.ledger))

    def stop_run(self, timeout_s: float = 15.0) -> None:
        """Ends sensing; what it accepted stays in the spool."""
        if self._run is not None:
            self._run.stop(timeout_s)

    def stop_agent(self, timeout_s: float = 15.0) -> None:
        """Ends forwarding."""
        if self._agent is not None:
            self._agent.stop(timeout_s)

    def ask_run_to_end(self) -> None:
        """Signals without waiting, so that several end together; ``stop_run`` waits."""
        if self._run is not None:
            self._run.terminate()

    def ask_agent_to_end(self) -> None:
        """Signals without waiting; ``stop_agent`` waits."""
        if self._agent is not None:
            self._agent.terminate()

    def check(self) -> None:
        """Raises ``TwinError`` if one of its processes has ended."""
        for child in (self._run, self._agent):
            if child is not None:
                child.check()

    def run_status(self) -> RunStatus | None:
        """``None`` until sensing has written its first."""
        return _read(self.state_dir / _RUN_STATUS, RunStatus)

    def agent_status(self) -> AgentStatus | None:
        """``None`` until the agent has written its first."""
        return _read(self.state_dir / _AGENT_STATUS, AgentStatus)

    def is_empty(self, *, since: float) -> bool:
        """Whether the agent said, at ``since`` (Unix seconds) or later, that the cloud has stored everything."""
        path = self.state_dir / _AGENT_STATUS
        status = self.agent_status()
        return status is not None and status.waiting == 0 and path.stat().st_mtime >= since

    def _start(self, command: str, *more: str) -> Child:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return Child(
            f"{self.gateway_id} {command}",
            ("-m", "thresher", command, "--config", str(self._config), *more),
            log=self.folder / f"{command}.log",
            environment=child_environment(home),
        )


def _read(path: Path, kind: type[_Status]) -> _Status | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as exc:
        raise TwinError(f"{path}: {exc}", remedy="report it: this file is written atomically") from exc
