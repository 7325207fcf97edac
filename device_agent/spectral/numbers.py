"""The numbers of one window of a vibration.

```
window ─▶ segments, those with a gap left out ─┬▶ Hann window, FFT, averaged (Welch) ─▶ RMS of each band
                                               └▶ their readings ─▶ RMS, kurtosis, crest factor
```
*RMS* is of what is left when the mean is taken off: an accelerometer also feels 1 g of the earth. *Kurtosis* is the
fourth moment by the square of the second: 3 for noise, 1.5 for a sine, more where something knocks. *Crest factor* is
the furthest reading from the mean by the RMS. The squares of all bands of a whole spectrum add up to that of the RMS.
Sources: P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio
Electroacoust. 15 (1967); D. Dyer and R. M. Stewart, "Detection of rolling element bearing damage by statistical
vibration analysis", J. Mech. Design 100 (1978), for kurtosis.

Pure. Not here: gathering windows (``stage``).
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from device_agent.spectral.plan import FINER, Plan

Array = NDArray[np.float64]

TOO_MUCH_MISSING: Final = "more than half of the window is missing"
STILL: Final = "no vibration to tell the shape of"

LEAST_WHOLE: Final = 0.5
"""Share of the segments that must be without a gap."""

_ROUNDING: Final = 1e-9
"""What moves less, by its mean, may be what a float cannot hold."""


class Windows:
    """Makes numbers of windows, all of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        scans = plan.segment_scans
        self._taper = np.hanning(scans + 1)[:-1]  # periodic: what Welch's average is meant for
        self._frequencies = np.fft.rfftfreq(scans, 1 / plan.rate_hz)
        self._bins = [
            [(low <= self._frequencies) & (self._frequencies < high) for low, high in each.bands_hz]
            for each in plan.asked
        ]

    def numbers(self, window: Array) -> tuple[list[float], dict[str, str]]:
        """The values of the plan's channels, NaN for a gap, and why by channel.

        Args:
            window: Scans by the plan's asked channels, NaN for a gap.
        """
        values, reasons = list[float](), list[str]()
        for place, asked in enumerate(self._plan.asked):
            made = self._of(window[:, place], place) or [np.nan] * (3 + len(asked.bands_hz))
            values += made
            reasons += [TOO_MUCH_MISSING if np.isnan(made[0]) else STILL] * len(made)
        named = zip(self._plan.channels, values, reasons, strict=True)
        return values, {channel.name: reason for channel, value, reason in named if np.isnan(value)}

    def _of(self, readings: Array, place: int) -> list[float]:
        """One channel's; empty where too much is missing."""
        plan = self._plan
        segments = sliding_window_view(readings, plan.segment_scans)[:: plan.step_scans]
        whole: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(segments), axis=1)
        if whole.sum() < LEAST_WHOLE * len(segments):
            return []
        density = self._density(segments[whole])
        bands = [float(np.sqrt(density[bins].sum())) for bins in self._bins[place]]
        least = plan.asked[place].channel.resolution / FINER
        return [*_shape(_covered(readings, whole, plan), least), *bands]

    def _density(self, segments: Array) -> Array:
        """Mean square by frequency, averaged over segments, each without its mean (Welch 1967)."""
        spectra = np.fft.rfft((segments - segments.mean(axis=1, keepdims=True)) * self._taper, axis=1)
        power: Array = (spectra.real**2 + spectra.imag**2).mean(axis=0) / (
            self._plan.segment_scans * (self._taper**2).sum()
        )
        power[1:] *= 2  # the frequencies below 0
        if self._plan.segment_scans % 2 == 0:
            power[-1] /= 2  # which half of the rate has none of
        return power


def _covered(readings: Array, whole: NDArray[np.bool_], plan: Plan) -> Array:
    """The readings within any segment without a gap, each once."""
    within = np.zeros(len(readings), dtype=bool)
    for start in np.flatnonzero(whole) * plan.step_scans:
        within[start : start + plan.segment_scans] = True
    return readings[within]


def _shape(readings: Array, least: float) -> tuple[float, float, float]:
    """RMS, kurtosis and crest factor; the latter are NaN where nothing moves by as much as is kept."""
    mean = float(readings.mean())
    apart = readings - mean
    rms = float((apart * apart).mean()) ** 0.5
    if rms < max(least, _ROUNDING * abs(mean)):
        return rms, np.nan, np.nan
    apart /= rms
    return rms, float((apart**4).mean()), float(np.abs(apart).max())
