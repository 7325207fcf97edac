"""What an operator may ask to be done with one channel's values, beside what its driver knows.

Not here: the doing (``device_agent.cleaning``, ``device_agent.condense.reports``, ``device_agent.spectral``).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

AlarmOn = Literal["rise", "fall", "both"]
ReportMode = Literal["absolute", "percent", "swinging_door"]


class SpikeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is too far from its neighbours to be believed; see ``device_agent.cleaning.checks``.

    Attributes:
        window: Readings looked back on; a true step is taken for a spike for half of them.
        sigmas: Spreads away from their median.
    """

    window: Annotated[int, Meta(ge=3, le=63)] = 7
    sigmas: Annotated[float, Meta(gt=0, le=1000)] = 4.0


class ReportConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which readings are worth sending one by one; see ``contract.readings.Report``.

    Attributes:
        mode: How the readings between are known.
        width: How far they may be from that: in the channel's unit, or in percent of the reading before.
        max_silence_s: Something is said at least so often, also where nothing changes.
        max_wait_s: How long a reading waits for company.
    """

    mode: ReportMode
    width: Annotated[float, Meta(ge=0, le=1e30)]
    max_silence_s: Annotated[float, Meta(gt=0, le=604_800)] = 3600.0
    max_wait_s: Annotated[float, Meta(ge=0, le=3600)] = 10.0


class SpectralConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which numbers are made of a vibration; see ``device_agent.spectral``.

    Attributes:
        bands_hz: Lower and upper end of each band; its lower end belongs to it, its upper end does not.
        window_s: Each set of numbers is of so many seconds; they follow each other without a gap.
        segment_s: A window is averaged over segments of so many seconds: frequencies closer than its inverse are one.
        overlap: How much of a segment is also the next one's.
        alarm_on: In which direction a deviation of any of the numbers matters.
    """

    bands_hz: Annotated[tuple[tuple[float, float], ...], Meta(max_length=16)] = ()
    window_s: Annotated[float, Meta(ge=0.05, le=600)] = 0.5
    segment_s: Annotated[float, Meta(ge=0.005, le=600)] = 0.25
    overlap: Annotated[float, Meta(ge=0, le=0.9)] = 0.5
    alarm_on: AlarmOn = "rise"


class TreatmentKeys(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The keys of one channel.

    Attributes:
        polynomial: Calibration of what the driver reads, the constant first: ``[c0, c1, c2]`` is c0 + c1 x + c2 x².
        scale: Calibration: multiplies what the driver reads, or the polynomial gives.
        offset: Calibration: is added last, in the channel's unit.
        max_step_per_s: The most that a true value can change in a second; what moved faster is a gap.
        spikes: What is too far from its neighbours is a gap.
        stuck_s: What has not moved by its resolution for so long is a gap until it does.
        report: Sent one by one where they are worth it.
        spectral: A vibration: judged by what it is made of, under the name of the sensor and ``-spectrum``.
    """

    polynomial: Annotated[tuple[float, ...], Meta(max_length=9)] = ()
    scale: Annotated[float, Meta(ge=-1e12, le=1e12)] = 1.0
    offset: Annotated[float, Meta(ge=-1e30, le=1e30)] = 0.0
    max_step_per_s: Annotated[float, Meta(gt=0)] | None = None
    spikes: SpikeConfig | None = None
    stuck_s: Annotated[float, Meta(gt=0)] | None = None
    report: ReportConfig | None = None
    spectral: SpectralConfig | None = None

    @property
    def calibrates(self) -> bool:
        """Whether values come out other than the driver gave them."""
        return bool(self.polynomial) or self.scale != 1.0 or self.offset != 0.0


class Treatment(TreatmentKeys, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is done with one channel.

    Attributes:
        raw_low: The driver's own limit where values are calibrated; below it they are gaps.
        raw_high: Above it they are gaps.
    """

    raw_low: float | None = None
    raw_high: float | None = None
