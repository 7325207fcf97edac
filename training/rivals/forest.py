"""Isolation forest (Liu, Ting & Zhou 2008), by scikit-learn, fitted to the calibration rows of each recording.

It judges rows by themselves, as published, or what is stronger on a noisy machine: mean and spread of the latest rows.
"""

import numpy as np

from training.rivals.port import Family, decisions
from training.rivals.scene import Floats, Scene, latest_mean, standardised
from training.rivals.vendor import load, missing

_SPANS = (1, 15, 45)
_FACTORS = tuple(round(0.72 * 1.05**step, 4) for step in range(12))
"""Scores lie between .4 and .9, so thresholds lie close together."""

_SEED = 7


class IsolationForest:
    """One variant.

    Args:
        trees: How many.
        rows: Of the recording that each grows from.
        window: Latest rows whose mean and spread are judged; 1 for the row itself.
    """

    def __init__(self, trees: int, rows: int, window: int) -> None:
        self._trees, self._rows, self._window = trees, rows, window
        self.label = f"forest {trees}x{rows} window {window}"

    def scores(self, scene: Scene) -> Floats:
        """Published score: .5 for a usual point, 1 for a lonely one."""
        features = latest(standardised(scene), self._window)
        normal = features[: scene.calibration]
        forest = load("sklearn.ensemble").IsolationForest(
            n_estimators=self._trees, max_samples=min(self._rows, len(normal)), random_state=_SEED
        )
        scores: Floats = -forest.fit(normal).score_samples(features)
        return scores


def latest(rows: Floats, window: int) -> Floats:
    """By row and channel, mean and spread of the latest rows (fewer at the beginning); the rows for a window of 1."""
    if window == 1:
        return rows
    mean = latest_mean(rows, window)
    spread = np.sqrt(np.maximum(0.0, latest_mean(rows**2, window) - mean**2))
    return np.hstack([mean, spread])


def family() -> Family:
    """Rows as published, and windows."""
    shapes = ((100, 256, 1), (300, 256, 1), (100, 64, 1), (300, 400, 1), (100, 256, 10), (100, 256, 30))
    variants = tuple(IsolationForest(*shape) for shape in shapes)
    return Family("isolation forest", variants, decisions(_SPANS, _FACTORS, (0.95, 1.0)), missing("sklearn"))
