"""How the sensing process is, as an event for the cloud and as a file for this machine.

Not here: the counting. Each part counts for itself; this only gathers.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from contract.codec import encode_event
from contract.events import Lane
from contract.health import Health, SensorHealth
from device_agent import VERSION
from device_agent.clock import Clock
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.filters.tally import FilterStatus
from device_agent.identity import monotonic_ns
from device_agent.line import Line

_LONGEST_DEGRADED: Final = 200
"""Characters of one sentence about what does not work; a path may be long, an envelope is not."""


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What ``<state_dir>/run-status.json`` holds, written every second.

    Attributes:
        gateway_id: The gateway.
        pid: Of the process that says so; 0 where that is not told.
        boot_id: Of the boot that it runs under; empty where that is not told.
        monotonic_ms: When it was written, milliseconds since boot.
        wall_ms: When it was written.
        uptime_ms: Of the sensing process.
        armed_after_ms: Uptime at which the last sensor's filter was armed; ``None`` while one calibrates.
        accepted: Events accepted by the spool.
        samples: Channel values taken.
        windows: Model windows scored.
        raw_bytes: What the samples would weigh as compact JSON, one array ``[time, value, …]`` a scan.
        sensors: By name.
        counters: Everything else that is counted.
        spool_fill: How full the fullest lane of the spool is, 0 to 1.
        spool_hours_left: Until the spool must give something up at the present rate, if nothing were stored.
        spool_lane_hours_left: The same for each lane and its own limit.
        filters: What each sensor's filter did.
        episode_open: Whether a deviation is going on, or a rule is open.
        degraded: What does not work as it should, in plain words.
    """

    gateway_id: str
    wall_ms: int
    uptime_ms: int
    armed_after_ms: int | None
    accepted: int
    samples: int
    windows: int
    raw_bytes: int
    sensors: dict[str, SensorHealth]
    counters: dict[str, int]
    spool_fill: float | None = None
    spool_hours_left: float | None = None
    spool_lane_hours_left: dict[Lane, float | None] = {}
    filters: dict[str, FilterStatus] = {}
    episode_open: bool = False
    pid: int = 0
    boot_id: str = ""
    monotonic_ms: int = 0
    degraded: list[str] = []


class SpoolView(NamedTuple):
    """What the spool says of itself.

    Attributes:
        pending: By lane: not yet known to be stored.
        counters: What happened to it, ever.
        lane_bytes: Of events kept.
        fill: How full the fullest lane is, 0 to 1.
        hours_left: Until something must go, at the present rate.
        lane_hours_left: The same by lane.
        degraded: What does not work, in plain words.
        beside: What other parts of the process count, by their own names.
    """

    pending: Mapping[Lane, int]
    counters: Mapping[str, int]
    lane_bytes: Mapping[Lane, int] = {}
    fill: float | None = None
    hours_left: float | None = None
    lane_hours_left: Mapping[Lane, float | None] = {}
    degraded: Sequence[str] = ()
    beside: Mapping[str, int] = {}


class Gatherer:
    """Gathers from the lines of one process.

    Args:
        gateway_id: The gateway.
        lines: All of its sensors, as they are now.
        clock: Its start is taken as the process's.
        interval_s: How often a ``Health`` event is sent.
    """

    def __init__(
        self, gateway_id: str, lines: Callable[[], Sequence[Line]], clock: Clock, *, interval_s: float
    ) -> None:
        self._gateway_id = gateway_id
        self._lines = lines
        self._clock = clock
        self._interval_ms = round(interval_s * 1000)
        self._started_ns = clock.monotonic_ns()
        self._armed_after_ms: int | None = None

    def health(self, spool: SpoolView) -> Health:
        """The event, as short as it must be to travel."""
        whole = Health(
            wall_ms=self._clock.wall_ms(),
            monotonic_ms=self._clock.monotonic_ns() // 1_000_000,
            version=VERSION,
            uptime_ms=self._uptime_ms(),
            interval_ms=self._interval_ms,
            sensors=self._sensors(),
            spool_pending={str(lane): count for lane, count in spool.pending.items()},
            spool_bytes={str(lane): size for lane, size in spool.lane_bytes.items()},
            spool_fill=None if spool.fill is None else round(spool.fill, 3),
            spool_hours_left=None if spool.hours_left is None else round(spool.hours_left, 1),
            degraded=[each[:_LONGEST_DEGRADED] for each in spool.degraded],
            counters={name: count for name, count in self._counters(spool).items() if count},
        )
        return fitted(whole)

    def status(self, spool: SpoolView) -> RunStatus:
        """The file."""
        sensors, condensers = self._sensors(), [line.condenser for line in self._lines()]
        if self._armed_after_ms is None and sensors and all(sensor.state == "armed" for sensor in sensors.values()):
            self._armed_after_ms = self._uptime_ms()
        return RunStatus(
            gateway_id=self._gateway_id,
            wall_ms=self._clock.wall_ms(),
            uptime_ms=self._uptime_ms(),
            armed_after_ms=self._armed_after_ms,
            accepted=sum(condenser.accepted for condenser in condensers),
            samples=sum(sensor.samples for sensor in sensors.values()),
            windows=sum(sensor.windows for sensor in sensors.values()),
            raw_bytes=sum(condenser.raw_bytes for condenser in condensers),
            sensors=sensors,
            counters=self._counters(spool),
            filters={each.shape.name: each.filter_status for each in condensers},
            pid=os.getpid(),
            monotonic_ms=monotonic_ns() // 1_000_000,
            spool_fill=spool.fill,
            spool_hours_left=spool.hours_left,
            spool_lane_hours_left=dict(spool.lane_hours_left),
            degraded=list(spool.degraded),
        )

    def _uptime_ms(self) -> int:
        return (self._clock.monotonic_ns() - self._started_ns) // 1_000_000

    def _sensors(self) -> dict[str, SensorHealth]:
        return {line.condenser.shape.name: line.health() for line in self._lines()}

    def _counters(self, spool: SpoolView) -> dict[str, int]:
        counters = {f"spool.{name}": count for name, count in spool.counters.items()} | dict(spool.beside)
        for line in self._lines():
            sensor = line.condenser.shape.name
            counters |= {f"{sensor}.{name}": count for name, count in line.counters().items()}
        return counters


def next_beat_ns(due_ns: int, *, now_ns: int, every_ns: int) -> int:
    """When the next event is due; those missed while the machine slept or a disk hung are not made up."""
    return due_ns + every_ns if due_ns + every_ns > now_ns else now_ns + every_ns


def fitted(health: Health) -> Health:
    """The event with as much detail as fits an envelope: a gateway whose Health never arrives seems offline.

    Left out in this order: reasons of gaps, counters of single sensors, what sensors counted, sensors. Counters of
    the event itself say so: ``health.details_left_out`` (steps taken) and ``health.sensors_left_out``.
    """
    return next(shorter for shorter in _shorter(health) if len(encode_event(shorter)) <= MAX_EVENT_BYTES)


def _shorter(health: Health) -> Iterator[Health]:
    yield health
    sensors = {name: msgspec.structs.replace(one, last_gap=None) for name, one in health.sensors.items()}
    yield _cut(health, sensors, health.counters | {"health.details_left_out": 1})
    owned = tuple(f"{name}." for name in sensors)  # a sensor's name may hold a dot
    general = {name: count for name, count in health.counters.items() if not name.startswith(owned)}
    yield _cut(health, sensors, general | {"health.details_left_out": 2})
    bare = {name: SensorHealth(state=one.state, rate_hz=one.rate_hz) for name, one in sensors.items()}
    general["health.details_left_out"] = 3
    for kept in range(len(bare), -1, -1):
        left_out = {"health.sensors_left_out": len(bare) - kept} if kept < len(bare) else {}
        yield _cut(health, dict(list(bare.items())[:kept]), general | left_out)


def _cut(health: Health, sensors: dict[str, SensorHealth], counters: dict[str, int]) -> Health:
    return msgspec.structs.replace(health, sensors=sensors, counters=counters)
