"""A recording as every contestant gets it: readings, and how many of the first rows show what is normal.

No label is in it, so no contestant can read one.
"""

from typing import Any, NamedTuple, Self

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


class Scene(NamedTuple):
    """One recording.

    Attributes:
        channels: Their names.
        times_s: Unix seconds of each row.
        values: Rows by channels, NaN for a gap.
        calibration: So many first rows are given as normal; nothing else may be fitted to.
    """

    channels: tuple[str, ...]
    times_s: Floats
    values: Floats
    calibration: int

    def until(self, row: int) -> Self:
        """The rows before this one, as they stood at that time."""
        return self._replace(times_s=self.times_s[:row], values=self.values[:row])

    def normal(self) -> Floats:
        """The calibration rows, gaps filled with the channel's median."""
        return self.filled()[: self.calibration]

    def filled(self) -> Floats:
        """Rows in which a gap holds the last reading, and before the first one the calibration's median."""
        known = np.isfinite(self.values)
        start = np.nan_to_num(_medians(self.values[: self.calibration]))
        values = np.vstack([start, np.where(known, self.values, 0.0)])
        seen = np.vstack([np.ones_like(start, dtype=bool), known])
        rows = np.where(seen, np.arange(len(values))[:, None], 0)
        latest = np.maximum.accumulate(rows, axis=0)
        filled: Floats = np.take_along_axis(values, latest, axis=0)[1:]
        return filled


def _medians(rows: Floats) -> Floats:
    """By channel, over what is known; NaN where nothing is."""
    return np.array(
        [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan for column in rows.T]
    )


def standardised(scene: Scene) -> Floats:
    """All rows in units of the calibration's mean and spread; a channel that never moved there gets spread 1e-6.

    The same for every rival, as waico/SKAB does it (``StandardScaler`` on the training rows).
    """
    normal = scene.normal()
    spread = np.maximum(normal.std(axis=0), 1e-6 + 1e-9 * np.abs(normal.mean(axis=0)))
    scaled: Floats = (scene.filled() - normal.mean(axis=0)) / spread
    return scaled


def latest_mean(rows: Floats, window: int) -> Floats:
    """By row and channel, the mean of the latest rows up to this one (fewer at the beginning)."""
    sums = np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows, axis=0)])
    last = np.arange(1, len(rows) + 1)
    first = np.maximum(0, last - window)
    mean: Floats = (sums[last] - sums[first]) / (last - first)[:, None]
    return mean
