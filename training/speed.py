"""How many rows a second each detector judges on this machine: ``python -m training.speed``.

One JSON object on stdout. Rows come all at once (``batch``, what is added for each further row) and, where a
detector is at all used that way, one by one (``stream``), which is what a gateway asks of it; half-space trees do
nothing else, so theirs is the batch. Different detectors do different work: the filter and the autoencoder look at a
window of 64 or 60 rows, the others at one row.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from device_agent.filters.gate import LevelGate
from device_agent.filters.model import LevelModel, Normal
from device_agent.filters.store import MemoryCalibrations
from device_agent.sensors.port import Channel
from training.evaluate.families import RIVALS
from training.rivals.network import Autoencoder
from training.rivals.port import Detector
from training.rivals.scene import Scene, standardised
from training.rivals.vendor import load

CHANNELS: Final = 8
CALIBRATION: Final = 400
SHORT, LONG = 1000, 21_000
_ROUNDS: Final = 3
_STREAMED: Final = 200


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Of one detector.

    Attributes:
        batch: Rows a second, all at once; ``None`` where it is not measured.
        stream: Rows a second, one by one; ``None`` where it is not measured.
        missing: Why there is none.
    """

    batch: float | None = None
    stream: float | None = None
    missing: str = ""


def scene(rows: int) -> Scene:
    """Noise, eight channels."""
    values = np.random.default_rng(3).normal(size=(rows, CHANNELS))
    return Scene(tuple(f"c{n}" for n in range(CHANNELS)), np.arange(rows, dtype=np.float64), values, CALIBRATION)


def measure() -> dict[str, Speed]:
    """The filter first, then each rival's first variant."""
    found = {
        "Thresher, a verdict every row": Speed(batch=_levels(), stream=_ours(1)),
        "Thresher, a verdict every 4 rows": Speed(stream=_ours(4)),
    }
    streams = {"forest": _forest, "conv-ae": _autoencoder}
    for name, make in RIVALS.items():
        family = make()
        if family.missing:
            found[family.name] = Speed(missing=family.missing)
            continue
        stream = streams[name]() if name in streams else None
        found[family.name] = Speed(batch=_batch(family.variants[0]), stream=stream)
    return found


def _ours(hop: int) -> float:
    given = scene(LONG)
    channels = tuple(Channel(name=name) for name in given.channels)
    model = LevelModel.load(None, CHANNELS)
    gate = LevelGate(channels, model, MemoryCalibrations(), rate_hz=1.0, calibration_scans=CALIBRATION, hop_scans=hop)
    rows = iter(given.values)
    for row in islice(rows, CALIBRATION):
        gate.push(row, 0)
    return _rate(lambda: gate.push(next(rows), 0), LONG - CALIBRATION)


def _levels() -> float:
    """Through the file for many windows at once, as a calibration judges its rows; opening it is not counted."""
    model = LevelModel.load(None, CHANNELS)
    row = np.ones(CHANNELS, dtype=np.float32)
    normal = Normal(*[row] * len(Normal._fields))
    scenes = [scene(rows).values.astype(np.float32) for rows in (SHORT, LONG)]
    levels = [partial(model.levels, values, np.ones_like(values), normal) for values in scenes]
    short, long = (min(_seconds(each) for _ in range(_ROUNDS)) for each in levels)
    return float(round((LONG - SHORT) / max(1e-9, long - short)))


def _batch(detector: Detector) -> float:
    """From the difference of a longer and a shorter scene, so that fitting is not counted."""
    short, long = (
        min(_seconds(partial(detector.scores, scene(rows))) for _ in range(_ROUNDS)) for rows in (SHORT, LONG)
    )
    return float(round((LONG - SHORT) / max(1e-9, long - short)))


def _forest() -> float:
    rows = standardised(scene(LONG))
    forest = load("sklearn.ensemble").IsolationForest(n_estimators=100, max_samples=256, random_state=1)
    forest.fit(rows[:CALIBRATION])
    return _rate(lambda: forest.score_samples(rows[:1]), _STREAMED)


def _autoencoder() -> float:
    network = Autoencoder(CHANNELS, 1, seed=0)
    window = standardised(scene(60 + CALIBRATION))[:60].astype(np.float32)[None]
    return _rate(lambda: network.predict(window), _STREAMED)


def _rate(act: Callable[[], object], count: int) -> float:
    return float(round(count / _seconds(lambda: [act() for _ in range(count)])))


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def main() -> int:
    """Command line; see the module."""
    print(msgspec.json.encode(measure()).decode())  # noqa: T201 - the report of a command
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
