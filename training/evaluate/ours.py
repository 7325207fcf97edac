"""The product's own filter as a contestant: through ``device_agent.scoring``, as ``thresher score`` runs it.

A scene is written to a CSV file and read back by the product, so nothing of the product is by-passed or doubled.
``frozen`` is what a gateway does with no choice at all: a row is called while an episode is open. ``tuned`` may
choose the threshold like every rival; its score is already in units of what its calibration showed.
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

_SPANS: Final = (1, 4, 10, 20, 30, 45)
_FACTORS: Final = tuple(round(0.5 * 1.06**step, 4) for step in range(36))
"""0.5 to 3.8; 1 is the product's own threshold."""


class Frozen:
    """The shipped default: 1 in a row after which an episode is open, else 0."""

    label = "shipped default"

    def scores(self, scene: Scene) -> Floats:
        """By the product's rule for episodes."""
        return np.array([float(row.anomalous) for row in judged(scene)])


class Gate:
    """The shipped default's score."""

    label = "level gate"

    def scores(self, scene: Scene) -> Floats:
        """NaN while calibrating and where too much is missing."""
        return np.array([np.nan if row.score is None else row.score for row in judged(scene)])


def judged(scene: Scene) -> Iterator[ScoredRow]:
    """What the product says of every row."""
    with tempfile.TemporaryDirectory(prefix="thresher-evaluate-") as folder:
        path = Path(folder) / "scene.csv"
        write(scene, path)
        yield from score(open_recording(path), None, calibrate_rows=scene.calibration)


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
    return Family("Thresher, threshold chosen", (Gate(),), decisions(_SPANS, _FACTORS, (0.7, 1.0), own_scale=True))
