"""What a release's ``bin/thresher run`` does here: no sensor, but the word and the events of one, good or bad.

It appends to the real spool and writes the real status file, so supervisor, probe, agent and cloud judge it as they
would judge sensing. How it is bad is its conduct:

``crashes``       ends a second after its start
``leaks``         takes 8 MiB a second
``stops``         takes no sample any more after two seconds
``false alarms``  opens an episode every second, from ``LATE_S`` on: after the gateway itself has found it good
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from contract.events import Episode
from contract.health import Health, SensorHealth
from contract.identifiers import episode_id
from contract.kinds import AnyEvent
from device_agent.filters.tally import EDGES
from device_agent.fleet.probe.look import FilterFigures, Sensed, SensorFigures
from device_agent.fleet.probe.reading import RUN_STATUS
from device_agent.identity import read_hardware, read_identity
from device_agent.spool.opening import SPOOL_FILE
from device_agent.spool.sqlite import SqliteSpool
from device_agent.status import StatusFile

Conduct = Literal["good", "crashes", "leaks", "stops", "false alarms"]
CONDUCTS: Final[tuple[Conduct, ...]] = ("good", "crashes", "leaks", "stops", "false alarms")

LATE_S: Final = 18.0
HEALTH_S: Final = 8.0
"""Fifty gateways that begin anew keep two processors busy for longer than three times half of this."""
SENSOR: Final = "press"
_RATE_HZ: Final = 10
_CHANNELS: Final = 8
_STEP_S: Final = 0.5
_LEAK_BYTES: Final = 4 * 1024 * 1024
_CRASH_S: Final = 1.0
_STOP_S: Final = 2.0


class Document(msgspec.Struct, frozen=True):
    """Of the gateway's document what is needed here."""

    gateway: str
    state_dir: str


class Workload:
    """One process's life.

    Args:
        document: The gateway's.
        conduct: How it behaves.
        version: Which one it says to be.
    """

    def __init__(self, document: Document, conduct: Conduct, version: str) -> None:
        self._identity = read_identity(document.gateway)
        folder = Path(document.state_dir)
        self._spool = SqliteSpool(folder / SPOOL_FILE, hardware=read_hardware())
        self._status = StatusFile(folder / RUN_STATUS)
        self._conduct, self._version = conduct, version
        self._began_s = time.monotonic()
        self._said_s = -HEALTH_S
        self._accepted = self._opened = 0
        self._taken: list[bytes] = []

    def run(self, stop: threading.Event) -> None:
        """Works until told to end."""
        while not stop.wait(_STEP_S):
            age_s = time.monotonic() - self._began_s
            if self._conduct == "crashes" and age_s > _CRASH_S:
                raise SystemExit(1)
            if self._conduct == "leaks":
                self._taken.append(bytes(bytearray(_LEAK_BYTES)))
            self._accept(list(self._events(age_s)))
            self._status.write(msgspec.json.encode(self._said(age_s)))
        self._status.close(msgspec.json.encode(self._said(time.monotonic() - self._began_s)))
        self._spool.close()

    def _events(self, age_s: float) -> Iterator[AnyEvent]:
        if age_s - self._said_s >= HEALTH_S:
            self._said_s = age_s
            yield self._health(age_s)
        if self._conduct == "false alarms" and age_s > LATE_S and self._opened < age_s - LATE_S:
            self._opened += 1
            yield self._episode(age_s)

    def _accept(self, events: list[AnyEvent]) -> None:
        if events:
            self._spool.append(self._identity.boot_id, events)
            self._accepted += len(events)

    def _scans(self, age_s: float) -> int:
        return int((min(age_s, _STOP_S) if self._conduct == "stops" else age_s) * _RATE_HZ)

    def _health(self, age_s: float) -> Health:
        scans = self._scans(age_s)
        sensor = SensorHealth(state="armed", rate_hz=_RATE_HZ, scans=scans, samples=scans * _CHANNELS)
        return Health(
            wall_ms=_wall_ms(),
            monotonic_ms=round(time.monotonic() * 1000),
            version=self._version,
            uptime_ms=round(age_s * 1000),
            interval_ms=round(HEALTH_S * 1000),
            sensors={SENSOR: sensor},
        )

    def _episode(self, age_s: float) -> Episode:
        wall_ms, monotonic_ms = _wall_ms(), round(time.monotonic() * 1000)
        return Episode(
            wall_ms=wall_ms,
            monotonic_ms=monotonic_ms,
            episode_id=episode_id(self._identity.gateway_id, self._identity.boot_id, SENSOR, monotonic_ms),
            sensor=SENSOR,
            phase="opened",
            onset_wall_ms=wall_ms,
            duration_ms=0,
            score=1.5,
            peak_score=1.5,
            peak_wall_ms=wall_ms,
            top_channel="channel_1",
            contributions={"channel_1": 1.0},
            reason=f"nothing is wrong {age_s:.0f} s after the start, and it says so all the same",
        )

    def _said(self, age_s: float) -> Sensed:
        scans = self._scans(age_s)
        windows = scans // 4
        scores = [0, 0, windows] + [0] * (len(EDGES) - 2)
        return Sensed(
            wall_ms=_wall_ms(),
            uptime_ms=round(age_s * 1000),
            pid=_pid(),
            samples=scans * _CHANNELS,
            windows=windows,
            accepted=self._accepted,
            sensors={SENSOR: SensorFigures(state="armed", scans=scans, samples=scans * _CHANNELS)},
            filters={SENSOR: FilterFigures(model="stub 1", scores=scores, opened=self._opened)},
        )


def main(conduct: Conduct, version: str, document: Path) -> None:
    """Works until SIGTERM."""
    stop = threading.Event()
    end: Callable[..., None] = lambda *_: stop.set()  # noqa: E731 - a signal's handler
    signal.signal(signal.SIGTERM, end)
    Workload(msgspec.yaml.decode(document.read_bytes(), type=Document), conduct, version).run(stop)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _pid() -> int:
    import os  # noqa: PLC0415

    return os.getpid()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))  # type: ignore[arg-type]
