"""The filter on slow series that are made up: ``python -m training.slow [--json]``.

Each kind has fixed seeds: a **pump**'s temperature every second, a **machine**'s every five minutes (two slow wanders,
a daily cycle), an **office**'s every hour (daily and weekly cycles, two wanders) and a **store**'s every hour (a daily
cycle, little wander); faults are planted ramps to another level, some of them no larger than what people would notice.
The filter's own default, and the operator's number ten times lower and higher; for the pump, numbers that can be
counted in half a day. Made up is not measured: it says how the filter takes series unlike the ones it was chosen on,
not how good it is on real ones.
Not here: recordings (``training.evaluate``), how calls are counted (``training.evaluate.counts``).
"""

import argparse
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
import numpy as np

from training.evaluate import ours
from training.evaluate.counts import episodes
from training.rivals.scene import Bools, Floats, Scene

CALIBRATION: Final = 400
SERIES: Final = 4
_WEEK_S: Final = 604_800.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One kind with one number of false episodes a week.

    Attributes:
        kind: See the module.
        false_per_week: Asked for.
        weeks: Judged, of all series.
        planted: Faults.
        fresh: Of them, caught by an episode that opens inside.
        delay_scans: Median, from the fault's beginning.
        false_found_per_week: Episodes that open outside of faults.
    """

    kind: str
    false_per_week: float
    weeks: float
    planted: int
    fresh: int
    delay_scans: float | None
    false_found_per_week: float


class Kind(NamedTuple):
    """How a series is made.

    Attributes:
        name: Of the kind.
        step_s: Between readings.
        scans: Of a series.
        make: Gives readings without faults.
        heights: Of planted faults, in the readings' unit.
        shortest: Of a fault, scans; the longest is three times that.
        numbers: Of false episodes a week that are asked for.
    """

    name: str
    step_s: float
    scans: int
    make: Callable[[np.random.Generator, int], Floats]
    heights: tuple[float, ...]
    shortest: int
    numbers: tuple[float, ...] = (0.1, 1.0, 10.0)


def wander(random: np.random.Generator, scans: int, *, memory: float, spread: float) -> Floats:
    """A walk that is drawn back (Ornstein-Uhlenbeck): ``memory`` in scans, ``spread`` its standard deviation."""
    keep = np.exp(-1 / memory)
    steps = random.normal(0, spread * np.sqrt(1 - keep * keep), scans)
    values, now = np.empty(scans), random.normal(0, spread)
    for i, step in enumerate(steps.tolist()):
        now = keep * now + step
        values[i] = now
    return values


def machine(random: np.random.Generator, scans: int) -> Floats:
    """Degrees, around 85."""
    daily = 1.5 * np.sin(2 * np.pi * np.arange(scans) / 288 + random.uniform(0, 6))
    slow = wander(random, scans, memory=300, spread=4) + wander(random, scans, memory=3000, spread=4)
    return np.asarray(85 + daily + slow + wander(random, scans, memory=5, spread=0.8))


def pump(random: np.random.Generator, scans: int) -> Floats:
    """Degrees, around 40."""
    slow = wander(random, scans, memory=300, spread=0.6) + wander(random, scans, memory=6000, spread=1.0)
    return np.asarray(40 + slow + random.normal(0, 0.4, scans))


def office(random: np.random.Generator, scans: int) -> Floats:
    """Degrees Fahrenheit, around 71; warmer in working hours."""
    hours = np.arange(scans)
    works = (hours // 24 % 7 < 5) & (hours % 24 > 8) & (hours % 24 < 18)  # noqa: PLR2004 - five days, eight to six
    usual = 71 + 2 * np.sin(2 * np.pi * (hours - 9) / 24) + 1.5 * works + random.normal(0, 0.6, scans)
    slow = wander(random, scans, memory=60, spread=2) + wander(random, scans, memory=1500, spread=2.5)
    return np.asarray(usual + slow)


def store(random: np.random.Generator, scans: int) -> Floats:
    """Degrees Celsius, around 20."""
    usual = 20 + 1.5 * np.sin(2 * np.pi * (np.arange(scans) - 9) / 24) + random.normal(0, 0.3, scans)
    return np.asarray(usual + wander(random, scans, memory=40, spread=0.6))


KINDS: Final = (
    Kind("pump", 1.0, 20_000, pump, (3.0, -4.0, 6.0), 150, numbers=(30.0, 100.0, 300.0)),
    Kind("machine", 300.0, 16_000, machine, (-45.0, -25.0, 20.0, -10.0, 15.0), 150),
    Kind("office", 3600.0, 7_000, office, (9.0, -10.0, 12.0, 6.0, -7.0), 50),
    Kind("store", 3600.0, 7_000, store, (2.0, -2.5, 3.0, -4.0, 5.0), 24),
)


def series(kind: Kind, seed: int) -> tuple[Scene, Bools]:
    """A series with its faults, and which scans they cover."""
    random = np.random.default_rng(seed)
    values, faulty = kind.make(random, kind.scans), np.zeros(kind.scans, dtype=np.bool_)
    for place, height in enumerate(random.permutation(kind.heights).tolist(), start=1):
        first = place * kind.scans // (len(kind.heights) + 1)
        length = int(random.integers(kind.shortest, 3 * kind.shortest))
        values[first : first + length] += height * np.minimum(1, np.arange(length) / 20)
        faulty[first : first + length] = True
    times = kind.step_s * np.arange(kind.scans, dtype=np.float64)
    return Scene((kind.name,), times, values.reshape(-1, 1), CALIBRATION), faulty


def measure(kind: Kind, false_per_week: float, *, count: int = SERIES) -> Result:
    """Judges some series of a kind."""
    planted = fresh = false = 0
    delays: list[float] = []
    for seed in range(count):
        scene, faulty = series(kind, seed)
        called = np.array([row.anomalous for row in ours.judged(scene, false_per_week)])
        found = episodes(called, faulty, scene.times_s, CALIBRATION)
        planted, false = planted + found.labelled, false + found.false
        fresh += len(found.delays_s)
        delays += [delay / kind.step_s for delay in found.delays_s]
    weeks = count * (kind.scans - CALIBRATION) * kind.step_s / _WEEK_S
    return Result(
        kind=kind.name,
        false_per_week=false_per_week,
        weeks=round(weeks, 2),
        planted=planted,
        fresh=fresh,
        delay_scans=float(np.median(delays)) if delays else None,
        false_found_per_week=round(false / weeks, 3),
    )


def main() -> int:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(description="Judge made-up slow series with the filter's defaults.")
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of the table")
    is_json = parser.parse_args().json
    results = [measure(kind, number) for kind in KINDS for number in kind.numbers]
    if is_json:
        print(msgspec.json.encode(results).decode())  # noqa: T201 - the report of a command
        return 0
    print("| kind | asked, false/week | weeks | caught fresh | delay, scans | false/week |\n|---|---|---|---|---|---|")  # noqa: T201
    for each in results:
        print(  # noqa: T201 - see above
            f"| {each.kind} | {each.false_per_week:g} | {each.weeks:g} | {each.fresh} of {each.planted} | "
            f"{each.delay_scans} | {each.false_found_per_week:g} |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
