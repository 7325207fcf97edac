"""The most that a gateway keeps and delivers: an offered rate is passed if everything came and nothing was left out.

```
sensors of 8 channels, in blocks ─▶ run ─▶ spool (fsync) ─▶ agent ─▶ mosquitto ─▶ collector, which answers what it has
```
Every reading travels (``context.continuous_s``). After a stretch sensing ends, and everything accepted must come
within a time that a backlog would not keep. A scan that was never taken is not lost; it makes the rate lower. Rates
are tried from the highest down; the first that passes is the figure. The model does not score: a window's cost is a
figure of its own.
"""

import time
from typing import Final

import msgspec

from bench.edge.scenery import CALM_HZ, CHANNELS, Scenery, hold, pids_of, status_of, until
from bench.station import Station
from bench.vitals import cpu_s
from device_agent.config import ContextConfig, FilterConfig, GatewayConfig, SpoolConfig
from device_agent.sensors.port import HIGHEST_BLOCK_RATE_HZ
from device_agent.spool.sqlite import SqliteSpool

OFFERED: Final = (300_000, 200_000, 150_000, 100_000, 60_000, 30_000, 15_000, 8_000)
"""Channel values a second."""

PROGRAM: Final = "bench.edge.noting"
NEVER: Final = 1_000_000_000
"""So many scans to calibrate, or between windows: the model never scores."""

NEARLY: Final = 0.98
STRETCH_S: Final = 6.0
_WARM_S: Final = 2.0
_STARTS_S: Final = 20.0
_CATCHES_UP_S: Final = 6.0


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One offered rate.

    Attributes:
        offered: Channel values a second that the sensors were to give.
        delivered: Channel values a second that came while sensors ran.
        taken: Channel values that sensing took, in all.
        lost: Of these, did not come.
        missed: Scans for which a sensor was not read.
        shed: Scans that the pipeline could not take.
        undelivered: Events accepted that did not come.
        cpu_percent: Of one core, both processes.
        passed: Nothing was lost, shed or left behind, and nearly all came that was offered.
    """

    offered: int
    delivered: int
    taken: int
    lost: int
    missed: int
    shed: int
    undelivered: int
    cpu_percent: float
    passed: bool


def sustained(scenery: Scenery, *, unlimited: bool, stretch_s: float = STRETCH_S) -> list[Trial]:
    """Trials from the highest rate down, ending with the first that passed; the last is the figure."""
    trials: list[Trial] = []
    for offered in OFFERED:
        trials.append(attempt(scenery, offered, unlimited=unlimited, stretch_s=stretch_s))
        if trials[-1].passed:
            break
    return trials


def attempt(scenery: Scenery, offered: int, *, unlimited: bool, stretch_s: float) -> Trial:
    """Offers one rate for a while.

    Raises:
        TwinError: A process ended.
    """
    kind = "free" if unlimited else "limited"
    limits: dict[str, float] = {"linger_s": 1.0, **({"unlimited": True, "in_flight": 80} if unlimited else {})}
    station = scenery.gateway(document(scenery, f"{kind}-{offered}", offered), port=None, program=PROGRAM, **limits)
    station.start("agent")
    until(lambda: bool((agent := station.agent_status()) and agent.connected), station, _STARTS_S, "no connection")
    start_run(station, offered)
    until(lambda: status_of(station).samples > 0, station, _STARTS_S, "no sample")
    hold(_WARM_S, station)
    began_s, before, worked = time.monotonic(), scenery.came(station).readings, cpu_s(*pids_of(station))
    hold(stretch_s, station)
    seconds, after = time.monotonic() - began_s, scenery.came(station).readings
    worked = cpu_s(*pids_of(station)) - worked
    station.stop("run")
    undelivered = _undelivered(scenery, station)
    station.stop("agent")
    rates = (after - before) / seconds, worked / seconds
    return _judged(scenery, station, offered=offered, rates=rates, undelivered=undelivered)


def start_run(station: Station, offered: float) -> None:
    """Starts sensing, each sensor in blocks, so that all together give so many channel values a second."""
    station.start("run", "--blocks-hz", f"{offered / len(station.config.sensors) / CHANNELS}")


def document(scenery: Scenery, name: str, offered: float) -> GatewayConfig:
    """A gateway of as many sensors as so many channel values a second need, all of which are sent.

    Its sensors are placeholders, see ``start_run``.
    """
    count = max(1, -(-round(offered) // round(HIGHEST_BLOCK_RATE_HZ * CHANNELS)))
    return GatewayConfig(
        gateway=name,
        state_dir=str(scenery.folder / name / "state"),
        sensors=[scenery.noise(f"noise-{number}", CALM_HZ) for number in range(count)],
        filter=FilterConfig(calibration_scans=NEVER, hop_scans=NEVER, seasonality=False),
        context=ContextConfig(before_scans=0, after_scans=0, continuous_s=1.0),
        spool=SpoolConfig(),
    )


def _undelivered(scenery: Scenery, station: Station) -> int:
    """Events accepted that have not come within the time allowed."""
    deadline_s = time.monotonic() + _CATCHES_UP_S
    while (left := accepted(station) - _through(scenery, station)) > 0 and time.monotonic() < deadline_s:
        time.sleep(0.2)
    return max(0, left)


def _through(scenery: Scenery, station: Station) -> int:
    return sum(scenery.came(station).through.values())


def accepted(station: Station) -> int:
    """Sequence numbers given so far, by all lanes: what is pending and what was stored."""
    spool = SqliteSpool(station.state_dir / "spool.sqlite3")
    try:
        return sum(spool.pending().values()) + sum(spool.stored().values())
    finally:
        spool.close()


def _judged(scenery: Scenery, station: Station, *, offered: int, rates: tuple[float, float], undelivered: int) -> Trial:
    status = status_of(station)
    missed = sum(sensor.missed for sensor in status.sensors.values())
    shed = sum(sensor.shed for sensor in status.sensors.values())
    lost = status.samples - shed * CHANNELS - scenery.came(station).readings
    return Trial(
        offered=offered,
        delivered=round(rates[0]),
        taken=status.samples,
        lost=lost,
        missed=missed,
        shed=shed,
        undelivered=undelivered,
        cpu_percent=round(rates[1] * 100, 1),
        passed=not (lost or shed or undelivered) and rates[0] >= NEARLY * offered,
    )
