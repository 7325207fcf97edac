"""The values of known signals.

The noise of scan n is a hash of n (splitmix64; Steele, Lea and Flood 2014), made normal by Box and Muller.

Pure. Not here: what a signal is (``device_agent.sensors.waveforms``), which reads without NumPy.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from device_agent.sensors.waveforms import Signal, noise_key

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11))


def scans_of(signals: Mapping[str, Signal], seed: int, scans: range, rate_hz: float) -> list[list[float]]:
    """The values of every signal at some scans, counted from 0: one list a scan."""
    numbers = np.arange(scans.start, scans.stop)
    columns = [_at(item, numbers, rate_hz=rate_hz, key=noise_key(seed, name)) for name, item in signals.items()]
    rows: list[list[float]] = np.stack(columns, axis=1).tolist()
    return rows


def _at(signal: Signal, scans: NDArray[np.int64], *, rate_hz: float, key: int) -> NDArray[np.float64]:
    turns: NDArray[np.float64] = (scans / (rate_hz * signal.period_s) + signal.phase) % 1.0
    values = signal.mean + signal.amplitude * _wave(signal, turns)
    return values + signal.noise * _normal(scans, key) if signal.noise else values


def _wave(signal: Signal, turns: NDArray[np.float64]) -> NDArray[np.float64]:
    match signal.wave:
        case "sine":
            return np.sin(2 * math.pi * turns)
        case "square":
            return np.where(turns < 0.5, 1.0, -1.0)  # noqa: PLR2004 - half a turn
        case "triangle":
            return 1 - 4 * np.abs((turns + 0.25) % 1.0 - 0.5)
        case "sawtooth":
            return 2 * turns - 1
        case "constant":
            return np.zeros_like(turns)


def _normal(scans: NDArray[np.int64], key: int) -> NDArray[np.float64]:
    first, second = (_uniform(2 * scans + half, key) for half in (0, 1))
    normal: NDArray[np.float64] = np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * math.pi * second)
    return normal


def _uniform(numbers: NDArray[np.int64], key: int) -> NDArray[np.float64]:
    """From 0 up to, not including, 1."""
    state = np.atleast_1d(_mixed(np.array([key], dtype=np.uint64))) + numbers.astype(np.uint64) * _GOLDEN
    uniform: NDArray[np.float64] = (_mixed(state) >> _SHIFTS[3]).astype(np.float64) * 2.0**-53
    return uniform


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _SHIFTS[0])) * _MIX[0]
    state = (state ^ (state >> _SHIFTS[1])) * _MIX[1]
    return state ^ (state >> _SHIFTS[2])
