"""One gateway on the twin, for one row: started, hurt, healed, drained, and accounted for.

Its plant plays fast, so that a few seconds hold hundreds of events: summaries and Health five times a second, an
episode with its context every dozen seconds.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from bench.faults.row import Row
from bench.plant import SENSOR, Fault, write_recording
from bench.station import Role, Station
from device_agent.config import FilterConfig, GatewayConfig, SpoolConfig
from device_agent.sensors.replay import ReplaySensor
from twin.cloud import Deployment
from twin.errors import TwinError
from twin.evidence import count_quarantined, read_blocks, read_ledger
from twin.reckoning import Block, reckon

PROGRAM: Final = "bench.faults.process"
SPEED: Final = 20.0
_RECORDING_S: Final = 240.0
_FAULT: Final = Fault(begin_s=120.0, seconds=60.0, channel=3)
_READY_S: Final = 60.0
_EMPTY_S: Final = 150.0
_POLL_S: Final = 0.05
_BITES_AFTER_MS: Final = 2000


class Stage(NamedTuple):
    """What rows share.

    Attributes:
        deployment: Of the twin.
        folder: This row's own.
        name: Of the row.
        seed: Of everything random.
        scale: 1 for the whole run, less for a quick one.
    """

    deployment: Deployment
    folder: Path
    name: str
    seed: int
    scale: float

    def times(self, whole: int, least: int = 1) -> int:
        """How often, in this run."""
        return max(least, round(whole * self.scale))


class Scene:
    """A context manager: leaving it ends both processes.

    Args:
        stage: Where.
        state_dir: Of the gateway, if not below the stage's folder.
        suffix: Tells two gateways of one row apart.
        speed: How fast the plant plays.
        spool: Of its document.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        state_dir: Path | None = None,
        suffix: str = "",
        speed: float = SPEED,
        spool: SpoolConfig | None = None,
    ) -> None:
        folder = stage.folder / f"gateway{suffix}"
        folder.mkdir(parents=True)
        recording = folder / "plant.csv"
        write_recording(recording, _RECORDING_S, seed=stage.seed, fault=_FAULT)
        self._stage = stage
        self.folder = folder
        self.began_ms = _now_ms()
        self.station = Station(
            GatewayConfig(
                gateway=f"fault-{stage.name.replace('_', '-')}{suffix}",
                state_dir=str(state_dir or folder / "state"),
                sensors=[ReplaySensor(name=SENSOR, path=str(recording), loop=True, speed=speed)],
                filter=FilterConfig(calibration_scans=256),
                spool=spool or SpoolConfig(group_commit_s=0.2, reserve_bytes=65536),
                summary_s=0.2,
                health_s=0.2,
            ),
            folder,
            program=PROGRAM,
        )

    @property
    def spool_file(self) -> Path:
        """Of the gateway."""
        return self.station.state_dir / "spool.sqlite3"

    def provision(self, *, port: int | None = None, **uplink: float) -> Self:
        """Makes its identity and document; quick lingering unless told otherwise."""
        self.station.provision(self._stage.deployment, port=port, **{"linger_s": 0.2, **uplink})
        return self

    def start(self, *roles: Role) -> None:
        """Starts processes as they are in the field."""
        for role in roles:
            self.station.start(role)

    def go(self) -> Self:
        """Starts both, and waits until events of this gateway are stored."""
        self.start("agent", "run")
        self.until(lambda: self.stored_count() > 0, _READY_S, "no event was stored")
        return self

    def is_armed(self) -> bool:
        """Whether the filter has its calibration."""
        status = self.station.run_status()
        return status is not None and status.state == "armed"

    def play(self, fault: Fault) -> None:
        """Another stretch of the same plant, from the next start of sensing on."""
        path = self.folder / "plant.csv"
        write_recording(path.with_suffix(".new"), _RECORDING_S, seed=self._stage.seed, fault=fault)
        path.with_suffix(".new").replace(path)

    def work(self, seconds: float) -> None:
        """Lets it run, and raises if a process ended by itself."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self.station.check()
            time.sleep(min(left_s, 0.2))

    def until(self, claim: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Waits for a claim; raises ``TwinError`` if it does not come true in time."""
        deadline = time.monotonic() + timeout_s
        while not claim():
            self.station.check()
            if time.monotonic() > deadline:
                raise TwinError(f"{self._stage.name}: {what} within {timeout_s:.0f} s")
            time.sleep(_POLL_S)

    def stored_count(self) -> int:
        """Sequences that the agent knows to be stored."""
        status = self.station.agent_status()
        return sum(status.stored.values()) if status else 0

    def settle(self) -> None:
        """Ends sensing, waits until the cloud has everything, ends the agent."""
        self.station.stop("run")
        ended_ns = time.time_ns()
        path = self.station.state_dir / "agent-status.json"

        def is_empty() -> bool:
            status = self.station.agent_status()
            return status is not None and not status.waiting and path.stat().st_mtime_ns > ended_ns

        self.until(is_empty, _EMPTY_S, "the spool was not emptied")
        self.station.stop("agent")

    def blocks(self) -> list[Block]:
        """This gateway's in the table."""
        found = read_blocks(self._stage.deployment.clients, self._stage.deployment.outputs.table_name)
        return [block for block in found if block.gateway_id == self.station.config.gateway]

    def quarantined(self) -> int:
        """Messages and events in quarantine, of all gateways."""
        return count_quarantined(self._stage.deployment.clients, self._stage.deployment.outputs.table_name)

    def bites(self, begun_ms: int, ended_ms: int) -> list[str]:
        """Nothing, or a complaint if something was stored during a fault that lets nothing through."""
        during = [block for block in self.blocks() if begun_ms + _BITES_AFTER_MS <= block.stored_ms < ended_ms]
        return [f"{len(during)} blocks were stored during the fault: it did not bite"] if during else []

    def has_told(self, kind: str) -> bool:
        """Whether an event of this kind was accepted."""
        return any(entry.kind == kind for entry in read_ledger(self.station.ledger))

    def row(
        self, *, injected: int, promise: str, ended_ms: Sequence[int], note: str = "", broken: Sequence[str] = ()
    ) -> Row:
        """The account.

        Args:
            injected: How often.
            promise: In words.
            ended_ms: When each injection ended, Unix milliseconds; the recovery is the longest of them.
            note: What else was seen.
            broken: What was promised and not kept, beyond what the numbers say.
        """
        blocks = self.blocks()
        account = reckon(read_ledger(self.station.ledger), blocks)
        return Row(
            fault=self._stage.name,
            injected=injected,
            accepted=account.accepted,
            stored=account.stored,
            declared=account.declared,
            lost=account.lost,
            duplicates=account.duplicates,
            recovery_s=recovery_s(blocks, ended_ms),
            promise=promise,
            note=note,
            broken=list(broken),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.station.stop("run")
        self.station.stop("agent")


def recovery_s(blocks: Sequence[Block], ended_ms: Sequence[int]) -> float:
    """From the end of each injection to the next block stored; the longest, and endless where none came."""
    stored = sorted(block.stored_ms for block in blocks)
    waits = [next((ms - end for ms in stored if ms >= end), math.inf) for end in ended_ms]
    return round(max(waits, default=0) / 1000, 2)


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


_now_ms = now_ms


def replaced(scene: Scene, **changes: object) -> None:
    """Changes the document of a scene before it is provisioned."""
    scene.station.config = msgspec.structs.replace(scene.station.config, **changes)
