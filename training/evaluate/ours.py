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

_NUMBERS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
_SPANS: Final = (1, 4, 10)
_FACTORS: Final = tuple(round(0.6 * 1.13**step, 4) for step in range(12))
"""0.6 to 2.3; 1 is the product's own threshold."""

_STEPS_OF_NUMBER: Final = 25


_AS_IT_IS: Final = (Decision(1, 1.0, 1.0, own_scale=True),)


class Gate:
    """The score.

    Args:
        false_per_week: The operator's number, see ``FilterConfig``.
    """

    def __init__(self, false_per_week: float = 1.0) -> None:
        self._number = false_per_week
        self.label = f"{false_per_week:g} a week"

    def scores(self, scene: Scene) -> Floats:
        """NaN while calibrating and where too much is missing."""
        return np.array([np.nan if row.score is None else row.score for row in judged(scene, self._number)])


class Episodes:
    """The product's own calls: 1 in a row after which an episode is open, else 0.

    Args:
        false_per_week: See ``Gate``.
    """

    def __init__(self, false_per_week: float = 1.0) -> None:
        self._number = false_per_week
        self.label = f"episodes at {false_per_week:g} a week"

    def scores(self, scene: Scene) -> Floats:
        """By the product's rule for episodes."""
        return np.array([float(row.anomalous) for row in judged(scene, self._number)])


def judged(scene: Scene, false_per_week: float) -> Iterator[ScoredRow]:
    """What the product says of every row."""
    with tempfile.TemporaryDirectory(prefix="thresher-evaluate-") as folder:
        path = Path(folder) / "scene.csv"
        write(scene, path)
        recording = open_recording(path)
        yield from score(recording, None, calibrate_rows=scene.calibration, false_per_week=false_per_week)


def write(scene: Scene, path: Path) -> None:
    """As a recording whose cells read back to the same numbers."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["timestamp", *scene.channels])
        for time, values in zip(scene.times_s.tolist(), scene.values.tolist(), strict=True):
            rows.writerow([repr(time), *("" if value != value else repr(value) for value in values)])  # noqa: PLR0124


def frozen() -> Family:
    """One setting: the default."""
    return Family("Thresher, frozen default", (Episodes(),), _AS_IT_IS)


def number() -> Family:
    """The operator's number, from one false episode in 19 years to 1,000 a week; all else is the product's."""
    numbers = [float(f"{1000 * 10 ** (-step / 4):.3g}") for step in range(_STEPS_OF_NUMBER)]
    return Family("Thresher, number chosen", tuple(map(Episodes, numbers)), _AS_IT_IS)


def tuned() -> Family:
    """The number, and a rule of its own for calls, with as many settings as every rival."""
    return Family(
        "Thresher, threshold chosen",
        tuple(map(Gate, _NUMBERS)),
        decisions(_SPANS, _FACTORS, (0.7, 1.0), own_scale=True),
    )
