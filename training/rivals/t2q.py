"""Hotelling's T² and the squared prediction error Q of a principal component model (Jackson & Mudholkar 1979).

T² tells a point that lies far out within what normal rows span, Q one that leaves it. waico/SKAB calls a row where
either passes its limit; here the score is the larger of the two, each in units of its calibration's quantile.
"""

import numpy as np

from training.rivals.port import QUANTILE, Family, decisions
from training.rivals.scene import Floats, Scene, latest_mean, standardised

_SPANS = (1, 15)
_FACTORS = tuple(round(0.7 * 1.25**step, 4) for step in range(18))
"""0.7 to 31: a threshold of the published method is 1."""


class T2Q:
    """One variant.

    Args:
        explained: Share of the calibration's variance that the components keep.
        parts: ``"t2"``, ``"q"`` or ``"t2+q"``.
        window: Latest rows whose mean is judged; 1 for the row itself, as published.
    """

    def __init__(self, explained: float, parts: str = "t2+q", *, window: int = 1) -> None:
        self._explained, self._parts, self._window = explained, parts, window
        self.label = f"{parts} {explained:g} window {window}"

    def scores(self, scene: Scene) -> Floats:
        """The larger of T² and Q."""
        rows = latest_mean(standardised(scene), self._window)
        normal = rows[: scene.calibration]
        _, singular, directions = np.linalg.svd(normal - normal.mean(axis=0), full_matrices=False)
        variance = singular**2 / max(1, len(normal) - 1)
        share = np.cumsum(variance) / max(variance.sum(), 1e-12)
        kept = min(int(np.searchsorted(share, self._explained - 1e-9)) + 1, len(variance))
        inside = rows @ directions[:kept].T
        t2 = (inside**2 / np.maximum(variance[:kept], 1e-9)).sum(axis=1)
        q = ((rows - inside @ directions[:kept]) ** 2).sum(axis=1)
        both = [_by_limit(part, scene.calibration) for name, part in (("t2", t2), ("q", q)) if name in self._parts]
        larger: Floats = np.maximum.reduce(both)
        return larger


def _by_limit(part: Floats, calibration: int) -> Floats:
    # Q is rounding noise where every component is kept
    limited: Floats = part / max(float(np.quantile(part[:calibration], QUANTILE)), 1e-9)
    return limited


def family() -> Family:
    """Rows as published, and means of the latest rows, which are far stronger (a multivariate moving-average chart)."""
    variants = (
        T2Q(0.7),
        T2Q(0.9),
        T2Q(0.97, window=15),
        T2Q(0.97, window=30),
        T2Q(0.99, window=30),
        T2Q(1.0, "t2", window=30),
    )
    return Family("T2+Q", variants, decisions(_SPANS, _FACTORS, (0.7, 1.0)))
