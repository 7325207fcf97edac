"""Half-space trees (Tan, Ting & Liu 2011), by river: a forest for streams that learns each row after judging it."""

import numpy as np

from training.rivals.forest import latest
from training.rivals.port import Family, decisions
from training.rivals.scene import Floats, Scene, standardised
from training.rivals.vendor import load, missing

_SPANS = (1, 15, 45)
_FACTORS = tuple(round(0.75 * 1.06**step, 4) for step in range(12))
_SEED = 7

_REACH = 6.0
"""Spreads on either side of normal that the trees divide; what lies beyond is at the border."""


class HalfSpaceTrees:
    """One variant.

    Args:
        trees: How many.
        height: Of each.
        window: Rows after which what was learnt comes into force.
        learns_on: False: it learns the calibration rows only, so that a fault is never learnt as normal.
        span: Latest rows whose mean and spread are judged; 1 for the row itself.
    """

    def __init__(self, trees: int, height: int, window: int, *, learns_on: bool = True, span: int = 1) -> None:
        self._trees, self._height, self._window = trees, height, window
        self._learns_on, self._span = learns_on, span
        self.label = f"trees {trees}x{height} window {window} span {span}{'' if learns_on else ' frozen'}"

    def scores(self, scene: Scene) -> Floats:
        """Between 0 and 1 by row."""
        features = latest(standardised(scene), self._span)
        places = np.clip((features + _REACH) / (2 * _REACH), 0.0, 1.0)
        trees = load("river.anomaly").HalfSpaceTrees(
            n_trees=self._trees, height=self._height, window_size=self._window, seed=_SEED
        )
        scores = []
        for number, row in enumerate(places.tolist()):
            point = dict(enumerate(row))
            scores.append(trees.score_one(point))
            if self._learns_on or number < scene.calibration:
                trees.learn_one(point)
        return np.array(scores)


def family() -> Family:
    """Learning on and not, rows and windows."""
    variants = (
        HalfSpaceTrees(25, 8, 250),
        HalfSpaceTrees(25, 8, 100),
        HalfSpaceTrees(25, 8, 100, span=30),
        HalfSpaceTrees(25, 8, 200, learns_on=False),
        HalfSpaceTrees(25, 6, 200, learns_on=False, span=10),
        HalfSpaceTrees(25, 8, 200, learns_on=False, span=30),
    )
    return Family("river half-space trees", variants, decisions(_SPANS, _FACTORS, (0.95, 1.0)), missing("river"))
