"""The product's own filter as a contestant: through ``device_agent.scoring``, as ``thresher score`` runs it.

A scene is written to a CSV file and read back by the product, so nothing of the product is by-passed or doubled.
``frozen`` is what a gateway does with no choice at all: a row is called while an episode is open. ``tuned`` may
choose the operator's number, false episodes a week, and a threshold like every rival; its score is already in units
of what its calibration showed.
"""

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from device_agent.scoring import ScoredRow, open_recording, score
from training.rivals.port import Decision, Family, decisions
from training.rivals.scene import Floats, Scene

_FALSE_PER_WEEK: Final = (30.0, 10.0, 5.0, 3.0, 2.0, 1.4, 1.0, 0.7, 0.5, 0.3, 0.1, 0.03)
"""1 is the product's own."""

_SPANS: Final = (1, 4)
_FACTORS: Final = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3)


class Frozen:
    """The shipped default: 1 in a row after which an episode is open, else 0."""

    label = "shipped default"

    def scores(self, scene: Scene) -> Floats:
        """By the product's rule for episodes."""
        return np.array([float(row.anomalous) for row in judged(scene)])


class Gate:
    """The score with an operator's number of false episodes a week."""

    def __init__(self, false_per_week: float) -> None:
        self._false_per_week = false_per_week
        self.label = f"level gate, {false_per_week:g} false a week"

    def scores(self, scene: Scene) -> Floats:
        """NaN while calibrating and where too much is missing."""
        return np.array([np.nan if row.score is None else row.score for row in judged(scene, self._false_per_week)])


def judged(scene: Scene, false_per_week: float = 1.0) -> Iterator[ScoredRow]:
    """What the product says of every row."""
    with tempfile.TemporaryDirectory(prefix="thresher-evaluate-") as folder:
        path = Path(folder) / "scene.csv"
        write(scene, path)
        yield from score(open_recording(path), None, calibrate_rows=scene.calibration, false_per_week=false_per_week)


def write(scene: Scene, path: Path) -> None:
    """As a recording whose cells read back to the same numbers."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["timestamp", *scene.channels])
        for time, values in zip(scene.times_s.tolist(), scene.values.tolist(), strict=True):
            rows.writerow([repr(time), *("" if value != value else repr(value) for value in values)])  # noqa: PLR0124


def frozen() -> Family:
    """One setting: none."""
    return Family("Thresher, frozen default", (Frozen(),), (Decision(1, 1.0, 1.0, own_scale=True),))


def tuned() -> Family:
    """As many settings as everyone."""
    return Family(
        "Thresher, threshold chosen",
        tuple(Gate(number) for number in _FALSE_PER_WEEK),
        decisions(_SPANS, _FACTORS, (0.7, 1.0), own_scale=True),
    )
