"""Cleaning one channel's values of many scans, where they lie: what ``Cleaner.clean_block`` does with arrays.

Not here: the same for one scan (``device_agent.cleaning.cleaner``), which needs no NumPy.
"""

import math
from collections import Counter
from typing import Any

import numpy as np

from device_agent.sensors.flags import ABOVE_RANGE, BELOW_RANGE, NOT_FINITE, flag_of
from device_agent.sensors.port import GAP, Channel

Array = np.ndarray[Any, np.dtype[np.float64]]


def measured(column: Array) -> list[int]:
    """The rows that have a value."""
    rows: list[int] = np.flatnonzero(~np.isnan(column)).tolist()
    return rows


def missing(values: Array) -> list[bool]:
    """By channel, whether it has no value in some scan."""
    return [not np.isfinite(column.sum()) and bool(np.isnan(column).any()) for column in values.T]


def clean_column(column: Array, channel: Channel, flags: Counter[str]) -> None:
    """Calibrates one channel's values where they lie, and takes out what is impossible."""
    treatment = channel.treatment
    if treatment is not None and treatment.calibrates:
        _take_out(column, treatment.raw_low, treatment.raw_high, flags)
        with np.errstate(all="ignore"):
            power = np.polynomial.polynomial.polyval(column, treatment.polynomial) if treatment.polynomial else column
            gaps = np.isnan(column)
            column[:] = power * treatment.scale + treatment.offset
            column[np.isnan(column) & ~gaps] = np.inf
    _take_out(column, channel.low, channel.high, flags)


def _take_out(column: Array, low: float | None, high: float | None, flags: Counter[str]) -> None:
    lowest, highest = -math.inf if low is None else low, math.inf if high is None else high
    for reason, is_wrong in (  # in turn: what one takes out, the next does not count again
        (NOT_FINITE, np.isinf),
        (BELOW_RANGE, lambda values: values < lowest),
        (ABOVE_RANGE, lambda values: values > highest),
    ):
        wrong = is_wrong(column)
        if count := int(wrong.sum()):
            column[wrong] = GAP
            flags[flag_of(reason) or ""] += count
