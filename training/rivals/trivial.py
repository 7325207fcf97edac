"""What no measurement of a detector may leave out: calling every row, and calling rows by their number.

On waico/SKAB, where faults are induced at about the same place in every file, both score high without reading one
value. A detector that is not clearly better than these has shown nothing.
"""

import numpy as np

from training.rivals.port import Family, decisions
from training.rivals.scene import Floats, Scene

_STARTS = range(0, 360, 20)
_LENGTHS = range(50, 650, 25)


class AllOnes:
    """Calls every row."""

    label = "all ones"

    def scores(self, scene: Scene) -> Floats:
        """One, always."""
        return np.ones(len(scene.values))


class Position:
    """Calls rows by their number after calibration; reads no value, and breaks the rule of the port on purpose.

    Args:
        start: The first row called.
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self.label = f"position from {start}"

    def scores(self, scene: Scene) -> Floats:
        """Falls with the distance from the start, so that a threshold is a length."""
        after = np.arange(len(scene.values)) - scene.calibration - self._start
        return np.where(after >= 0, 1 / (1.0 + np.abs(after)), 0.0)


def all_ones() -> Family:
    """One setting."""
    return Family("all ones", (AllOnes(),), decisions((1,), (1.0,), (1.0,), own_scale=True))


def position_only() -> Family:
    """As many settings as everyone."""
    factors = [1 / length for length in _LENGTHS]
    return Family("position only", tuple(map(Position, _STARTS)), decisions((1,), factors, (1.0,), own_scale=True))
