"""The latest scans of one sensor as one contiguous block, gaps explicit.

Every deadline has a row: a scan that was missed is a row of gaps, so a window always spans the same time.
Each row is written twice, one window apart; the window is then a plain slice, never a copy or a rotation.
"""

from typing import NamedTuple

import numpy as np

from device_agent.filters.runtime import FloatArray
from device_agent.filters.signature import WINDOW_SCANS


class Window(NamedTuple):
    """Views of the ring, oldest scan first; valid until the next push.

    Attributes:
        values: Readings, 0 in a gap.
        valid: 1 for a reading, 0 for a gap.
    """

    values: FloatArray
    valid: FloatArray


class WindowRing:
    """Holds the latest ``WINDOW_SCANS`` scans; before that many came, the missing ones are gaps."""

    def __init__(self, channels: int) -> None:
        self._values = np.zeros((2 * WINDOW_SCANS, channels), dtype=np.float32)
        self._valid = np.zeros((2 * WINDOW_SCANS, channels), dtype=np.float32)
        self._next = 0

    def push(self, values: FloatArray, valid: FloatArray) -> None:
        """Adds a scan: readings with 0 in a gap, and 1 or 0 for each."""
        for row in (self._next, self._next + WINDOW_SCANS):
            self._values[row] = values
            self._valid[row] = valid
        self._next = (self._next + 1) % WINDOW_SCANS

    def extend(self, values: FloatArray, valid: FloatArray) -> None:
        """Adds scans, oldest first; see ``push``."""
        count = min(len(values), WINDOW_SCANS)
        places = (self._next + np.arange(len(values) - count, len(values))) % WINDOW_SCANS
        for rows in (places, places + WINDOW_SCANS):
            self._values[rows] = values[-count:]
            self._valid[rows] = valid[-count:]
        self._next = (self._next + len(values)) % WINDOW_SCANS

    def skip(self, scans: int) -> None:
        """Adds that many scans that were never taken."""
        if scans < 1:
            return
        nothing = np.zeros(self._values.shape[1], dtype=np.float32)
        for _ in range(min(scans, WINDOW_SCANS)):
            self.push(nothing, nothing)

    def add(self, correction: FloatArray) -> None:
        """Adds to every reading, by scan (oldest first) and channel; gaps stay 0."""
        window = self.view()
        corrected = window.values + correction * window.valid
        rows = (self._next + np.arange(WINDOW_SCANS)) % WINDOW_SCANS
        self._values[rows], self._values[rows + WINDOW_SCANS] = corrected, corrected

    def view(self) -> Window:
        """The window that ends with the latest scan."""
        rows = slice(self._next, self._next + WINDOW_SCANS)
        return Window(self._values[rows], self._valid[rows])
