import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.sensors.port import Channel, Scan
from device_agent.sensors.scan_block import ScanBlock, singly
from device_agent.sensors.treatment import SpectralConfig, Treatment
from device_agent.spectral.plan import Plan, plan_of
from device_agent.spectral.stage import Spectrum

RATE_HZ = 200.0
ASKED = SpectralConfig(bands_hz=((20, 80),), window_s=0.5, segment_s=0.25)
CHANNELS = (Channel(name="celsius"), Channel(name="x_g", treatment=Treatment(spectral=ASKED)))
SIGNAL = np.random.default_rng(2).normal(0, 1, (1000, 2))


def plan() -> Plan:
    made = plan_of(CHANNELS, RATE_HZ)
    assert made is not None
    return made


def block(seq: int, rows: np.ndarray) -> ScanBlock:
    times_ns = (seq + np.arange(len(rows))) * 5_000_000
    return ScanBlock(seq, 1_000_000 + seq * 5, times_ns, rows, {}, {})


def test_a_window_of_deadlines_gives_a_scan_of_numbers_at_its_end() -> None:
    made = Spectrum(plan()).take([block(0, SIGNAL[:250])])
    assert [(scan.seq, scan.wall_ms, scan.monotonic_ns) for scan in made] == [
        (0, 1_000_495, 495_000_000),
        (1, 1_000_995, 995_000_000),
    ]
    assert abs(made[0].values[0] - SIGNAL[:100, 1].std()) < 1e-9
    assert not made[0].gaps


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 330), min_size=1, max_size=6))
def test_however_scans_come_together_the_numbers_are_the_same(lengths: list[int]) -> None:
    whole = Spectrum(plan()).take([block(0, SIGNAL)])
    parts, taken, number = list[ScanBlock](), 0, 0
    while taken < len(SIGNAL):
        parts.append(block(taken, SIGNAL[taken : taken + lengths[number % len(lengths)]]))
        taken, number = taken + parts[-1].scans, number + 1
    assert Spectrum(plan()).take(parts) == whole
    assert Spectrum(plan()).take(singly(parts, CHANNELS)) == whole


def test_what_was_missed_is_a_gap_of_its_window_and_never_shifts_the_next() -> None:
    spectrum = Spectrum(plan())
    made = spectrum.take([block(0, SIGNAL[:30]), block(130, SIGNAL[130:400])])
    assert [scan.seq for scan in made] == [0, 1, 2, 3]
    assert all(math.isnan(value) for scan in made[:2] for value in scan.values)
    assert made[2:] == Spectrum(plan()).take([block(0, SIGNAL[:400])])[2:]


def test_windows_without_any_scan_are_jumped_over() -> None:
    made = Spectrum(plan()).take([block(0, SIGNAL[:100]), block(600, SIGNAL[600:700])])
    assert [scan.seq for scan in made] == [0, 6]


def test_a_sensor_that_begins_anew_begins_a_new_window() -> None:
    spectrum = Spectrum(plan())
    first = spectrum.take([block(0, SIGNAL[:150])])
    again = spectrum.take([block(0, SIGNAL[:100])])
    assert (len(first), len(again)) == (1, 1)
    assert again[0].values == first[0].values


def test_a_scan_of_gaps_gives_no_number() -> None:
    rows = np.full((100, 2), np.nan)
    (made,) = Spectrum(plan()).take([block(0, rows)])
    assert all(map(math.isnan, made.values))
    assert isinstance(made, Scan)
    assert set(made.gaps) == {channel.name for channel in plan().channels}
