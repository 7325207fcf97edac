"""A gateway comes back with hours of backlog, and goes on sensing while it drains.

```
feed hours into the spool ─▶ sensing starts ─▶ link up ─────────▶ backlog stored ─▶ a calm while ─▶ all ends
                             live events from here on │◀── during ──▶│◀── ordinary ──▶│
```
Live events are one Health a second on the lane of episodes, and what the plant makes. How late they are is their
time from acceptance to the table, less what the median one takes once the backlog is gone.
Not here: the cloud, which the caller has deployed; what fault the gateway came back from.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.feeder import Fed, Feeder
from bench.plant import SENSOR, Plant, write_recording
from bench.station import Station
from contract.events import Lane
from device_agent.config import GatewayConfig
from device_agent.ledger import Entry, Ledger
from device_agent.sensors.replay import ReplaySensor
from device_agent.spool.sqlite import SqliteSpool
from twin.cloud import Deployment
from twin.errors import TwinError
from twin.evidence import read_blocks, read_ledger
from twin.reckoning import Block, EventKey, Reckoning, reckon

LIVE_HEALTH_S: Final = 1.0
_ORDINARY_S: Final = 12.0
_EMPTY_S: Final = 30.0
_POLL_S: Final = 0.1
_RECORDING_S: Final = 600.0


class AgentLook(msgspec.Struct, frozen=True):
    """``agent-status.json`` as far as a drain is watched by it."""

    connected: bool = False
    pending: dict[Lane, int] = {}
    stored: dict[Lane, int] = {}
    publishes: int = 0
    resent: int = 0
    sent_bytes: int = 0


class Times(NamedTuple):
    """Moments of one drain, Unix milliseconds."""

    link_up_ms: int
    drained_ms: int


class Drained(NamedTuple):
    """What came of it.

    Attributes:
        fed: The backlog.
        account: Over everything the gateway ever accepted.
        first_stored_s: From the link's return to the first newly stored event.
        drain_s: From the link's return to the last of the backlog stored.
        live: Live events accepted while the backlog drained.
        live_delay_p99_s: How late they were beyond the ordinary, 99th percentile.
        ordinary_s: Median time from acceptance to the table of live events after the drain.
        look: The agent's own counters at the end.
    """

    fed: Fed
    account: Reckoning
    first_stored_s: float
    drain_s: float
    live: int
    live_delay_p99_s: float
    ordinary_s: float
    look: AgentLook

    @property
    def rate_per_s(self) -> float:
        """Events of the backlog stored a second."""
        return sum(self.fed.events.values()) / self.drain_s


class Returning:
    """One gateway with a backlog.

    Args:
        gateway_id: Fresh.
        folder: Its own.
    """

    def __init__(self, gateway_id: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        recording = folder / "plant.csv"
        write_recording(recording, _RECORDING_S, seed=2)
        self._config = GatewayConfig(
            gateway=gateway_id,
            state_dir=str(folder / "state"),
            sensors=[ReplaySensor(name=SENSOR, path=str(recording), loop=True)],
        )
        live = msgspec.structs.replace(self._config, health_s=LIVE_HEALTH_S)
        self.station = Station(live, folder)

    def feed(self, hours: int, *, seed: int = 1) -> Fed:
        """Fills its spool with so many hours that end now, one Health a minute."""
        self.station.state_dir.mkdir(exist_ok=True)
        path = self.station.state_dir / "spool.sqlite3"
        with closing(SqliteSpool(path)) as spool, closing(Ledger(self.station.ledger)) as ledger:
            now_ms = time.time_ns() // 1_000_000
            return Feeder(self._config, spool, end_wall_ms=now_ms, plant=Plant(seed), ledger=ledger).feed(hours)

    def look(self) -> AgentLook:
        """The agent's status now; all zero before its first."""
        try:
            raw = (self.station.state_dir / "agent-status.json").read_bytes()
        except FileNotFoundError:
            return AgentLook()
        return msgspec.json.decode(raw, type=AgentLook)

    def drain(self, fed: Fed, *, timeout_s: float) -> Times:
        """Waits until the cloud has stored what was fed, then a while; the link must be coming back now."""
        link_up_ms = time.time_ns() // 1_000_000
        self.until(lambda: self._stored(fed), timeout_s, "the backlog was not stored")
        drained_ms = time.time_ns() // 1_000_000
        calm_until = time.monotonic() + _ORDINARY_S
        self.until(lambda: time.monotonic() > calm_until, 2 * _ORDINARY_S, "the clock stands still")
        return Times(link_up_ms, drained_ms)

    def end(self) -> AgentLook:
        """Ends sensing, waits until the spool is empty, ends the agent."""
        self.station.stop("run")
        ended_ns = time.time_ns()
        status = self.station.state_dir / "agent-status.json"
        empty = "the spool was not emptied"
        self.until(
            lambda: status.stat().st_mtime_ns > ended_ns and not sum(self.look().pending.values()), _EMPTY_S, empty
        )
        self.station.stop("agent")
        return self.look()

    def until(self, claim: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Waits for a claim; raises ``TwinError`` naming ``what`` if it does not come true in time."""
        deadline = time.monotonic() + timeout_s
        while not claim():
            self.station.check()
            if time.monotonic() > deadline:
                raise TwinError(f"{what} within {timeout_s:.0f} s; pending {self.look().pending}")
            time.sleep(_POLL_S)

    def _stored(self, fed: Fed) -> bool:
        stored = self.look().stored
        return all(stored.get(lane, 0) >= count for lane, count in fed.events.items())


def account(returning: Returning, fed: Fed, times: Times, deployment: Deployment) -> Drained:
    """Compares ledger and table once both processes have ended."""
    own = returning.station.config.gateway
    table = deployment.outputs.table_name
    blocks = [block for block in read_blocks(deployment.clients, table) if block.gateway_id == own]
    entries = read_ledger(returning.station.ledger)
    stored_ms = _stored_ms(blocks)
    backlog = [key for key in map(_key, entries) if key[2] <= fed.events.get(key[1], 0)]
    live = [entry for entry in entries if entry.lane == "events" and entry.seq > fed.events["events"]]
    done_ms = max(stored_ms[key] for key in backlog if key in stored_ms)
    during = _delays(live, stored_ms, begin_ms=times.link_up_ms, end_ms=done_ms)
    ordinary = _delays(live, stored_ms, begin_ms=times.drained_ms, end_ms=times.drained_ms + round(_ORDINARY_S * 1000))
    median = _percentile(ordinary, 50)
    return Drained(
        fed=fed,
        account=reckon(entries, blocks),
        first_stored_s=(min(ms for ms in stored_ms.values() if ms >= times.link_up_ms) - times.link_up_ms) / 1000,
        drain_s=(done_ms - times.link_up_ms) / 1000,
        live=len(during),
        live_delay_p99_s=round(max(0.0, _percentile(during, 99) - median), 3),
        ordinary_s=round(median, 3),
        look=returning.look(),
    )


def _key(entry: Entry) -> EventKey:
    return entry.spool_id, entry.lane, entry.seq


def _stored_ms(blocks: Sequence[Block]) -> dict[EventKey, int]:
    return {key: block.stored_ms for block in blocks for key in block.keys()}  # noqa: SIM118 - a block is no mapping


def _delays(entries: Sequence[Entry], stored_ms: dict[EventKey, int], *, begin_ms: int, end_ms: int) -> list[float]:
    """Seconds from acceptance to the table, sorted, of what was accepted in a stretch."""
    known = [(entry.accepted_wall_ms, stored_ms[_key(entry)]) for entry in entries if _key(entry) in stored_ms]
    return sorted((stored - at) / 1000 for at, stored in known if begin_ms <= at <= end_ms)


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Nearest rank.

    Raises:
        TwinError: There was no live event to measure.
    """
    if not ordered:
        raise TwinError("no live event was stored in the measured time", remedy="report it: sensing did not run")
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
