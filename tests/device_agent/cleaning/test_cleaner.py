import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.cleaning.cleaner import Cleaner, calibrated, clean
from device_agent.errors import ConfigError
from device_agent.sensors.flags import flag_of
from device_agent.sensors.port import GAP, Channel, ChannelOverride, Scan, override
from device_agent.sensors.treatment import SpikeConfig, Treatment

CHANNELS = (Channel(name="a", low=0, high=100), Channel(name="b", low=0), Channel(name="c"))


def scan(*values: float, gaps: dict[str, str] | None = None) -> Scan:
    return Scan(7, 1, 2, values, gaps or {})


def test_a_clean_scan_is_returned_as_it_is() -> None:
    given_scan = scan(0, 0, -5)
    assert clean(given_scan, CHANNELS) is given_scan


def test_values_out_of_range_become_gaps_with_the_limit_in_the_reason() -> None:
    cleaned = clean(scan(101, -1, -1), CHANNELS)
    assert cleaned.gaps == {"a": "above range: 101 > 100", "b": "below range: -1 < 0"}
    assert [math.isnan(value) for value in cleaned.values] == [True, True, False]


def test_the_limits_themselves_are_within_range() -> None:
    assert not clean(scan(100, 0, 0), CHANNELS).gaps


def test_a_value_beside_a_gap_of_the_driver_is_not_believed() -> None:
    cleaned = clean(scan(5, 5, 5, gaps={"b": "not reported"}), CHANNELS)
    assert cleaned.gaps == {"b": "not reported"}
    assert math.isnan(cleaned.values[1])


def test_a_gap_keeps_the_reason_its_driver_gave() -> None:
    given_scan = scan(GAP, 1, 1, gaps={"a": "not reported"})
    assert clean(given_scan, CHANNELS) is given_scan


@given(st.tuples(*[st.floats()] * 3), st.dictionaries(st.sampled_from("abc"), st.text(min_size=1)))
def test_after_cleaning_every_value_is_finite_and_within_range_or_a_gap_with_a_reason(
    values: tuple[float, ...], gaps: dict[str, str]
) -> None:
    cleaned = clean(scan(*values, gaps=gaps), CHANNELS)
    for channel, value in zip(CHANNELS, cleaned.values, strict=True):
        assert math.isnan(value) == (channel.name in cleaned.gaps)
        assert math.isnan(value) or math.isfinite(value)
        assert math.isnan(value) or channel.low is None or value >= channel.low
    assert all(cleaned.gaps.values())
    assert clean(cleaned, CHANNELS) is cleaned
    assert (cleaned.seq, cleaned.wall_ms, cleaned.monotonic_ns) == (7, 1, 2)


def _cleaned(treatment: Treatment, values: Sequence[float], *, every_s: float = 1.0, **channel: Any) -> list[Scan]:
    made = Channel(name="a", resolution=0.1, treatment=treatment, **channel)
    cleaner = Cleaner([made])
    return [cleaner.clean(Scan(n, n, round(n * every_s * 1e9), (value,), {})) for n, value in enumerate(values)]


def _kept(scans: Sequence[Scan]) -> list[float | None]:
    return [None if scan.gaps else scan.values[0] for scan in scans]


def _flags(scans: Sequence[Scan]) -> list[str | None]:
    return [flag_of(scan.gaps["a"]) for scan in scans if scan.gaps]


def test_calibration_is_polynomial_then_scale_then_offset() -> None:
    treatment = Treatment(polynomial=(1.0, 2.0, 3.0), scale=10.0, offset=-5.0)
    assert _kept(_cleaned(treatment, [0.0, 1.0, 2.0])) == [5.0, 55.0, 165.0]


def test_a_drivers_limits_hold_before_calibration_and_an_operators_after() -> None:
    (channel,) = override(
        (Channel(name="a", unit="V", resolution=0.001, floor=0.01, low=0, high=3.3),),
        {"a": ChannelOverride(scale=-100.0, unit="bar", low=-200.0)},
    )
    assert (channel.unit, channel.low, channel.high) == ("bar", -200.0, None)
    assert (channel.resolution, channel.floor) == (0.1, 1.0)
    cleaner = Cleaner([channel])
    scans = [cleaner.clean(Scan(0, 0, 0, (value,), {})) for value in (1.5, 3.4, -0.1, 2.5)]
    assert _kept(scans) == [-150.0, None, None, None]
    assert [scan.gaps.get("a") for scan in scans] == [
        None,
        "above range: 3.4 > 3.3",
        "below range: -0.1 < 0",
        "below range: -250 < -200",
    ]


def test_a_channel_without_treatment_is_what_its_driver_says() -> None:
    plain = (Channel(name="a", unit="V"),)
    assert override(plain, {"a": ChannelOverride(floor=2.0)}) == (Channel(name="a", unit="V", floor=2.0),)


def test_a_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a\.scale"):
        override((Channel(name="a"),), {"a": ChannelOverride(scale=0.0)})


def test_what_moved_too_fast_is_a_gap_until_it_could_have_come_there() -> None:
    scans = _cleaned(Treatment(max_step_per_s=1.0), [0.0, 0.9, 5.0, 5.0, 5.0, 5.0, 5.0, 4.0])
    assert _kept(scans) == [0.0, 0.9, None, None, None, None, 5.0, 4.0]
    assert set(_flags(scans)) == {"step"}


def test_a_single_spike_is_a_gap_and_a_step_is_believed_after_half_a_window() -> None:
    treatment = Treatment(spikes=SpikeConfig(window=5, sigmas=4))
    spiked = [1.0, 1.1, 0.9, 1.0, 1.1, 50.0, 1.0, 0.9]
    assert _kept(_cleaned(treatment, spiked)) == [1.0, 1.1, 0.9, 1.0, 1.1, None, 1.0, 0.9]
    stepped = _cleaned(treatment, [1.0] * 6 + [9.0] * 6)
    assert _kept(stepped) == [1.0] * 6 + [None] * 3 + [9.0] * 3
    assert set(_flags(stepped)) == {"spike"}


def test_what_does_not_move_by_its_resolution_is_a_gap_until_it_does() -> None:
    scans = _cleaned(Treatment(stuck_s=3.0), [1.0, 1.05, 0.95, 1.0, 1.02, 1.2, 1.2])
    assert _kept(scans) == [1.0, 1.05, 0.95, None, None, 1.2, 1.2]
    assert set(_flags(scans)) == {"stuck"}


treatments = st.builds(
    Treatment,
    polynomial=st.lists(st.floats(-1e300, 1e300), max_size=4).map(tuple),
    scale=st.floats(-1e12, 1e12),
    offset=st.floats(-1e30, 1e30),
    max_step_per_s=st.none() | st.floats(0.001, 1e9),
    spikes=st.none() | st.builds(SpikeConfig, window=st.integers(3, 9), sigmas=st.floats(0.1, 10)),
    stuck_s=st.none() | st.floats(0.1, 5),
    raw_low=st.none() | st.floats(-2, 0),
    raw_high=st.none() | st.floats(0, 2),
)
numbers = st.lists(st.floats() | st.floats(-2, 2), max_size=40)


@given(numbers, treatments, st.none() | st.floats(-2, 0), st.none() | st.floats(0, 2))
def test_a_block_is_cleaned_as_its_scans_would_be(
    values: list[float], treatment: Treatment, low: float | None, high: float | None
) -> None:
    channels = (Channel(name="a", resolution=0.1, treatment=treatment, low=low, high=high), Channel(name="b", low=-1))
    single, gaps = Cleaner(channels), Counter[tuple[str, str | None]]()
    expected = []
    for n, value in enumerate(values):
        missing = {name: "never read" for name in "ab" if math.isnan(value)}
        scan = single.clean(Scan(n, n, n * 1_000_000_000, (value, value), missing))
        expected.append(scan.values)
        gaps.update((name, flag_of(reason)) for name, reason in scan.gaps.items())
    block = np.array(values)[:, None].repeat(2, axis=1)
    cleaned, flags = Cleaner(channels).clean_block(block, [n * 1_000_000_000 for n in range(len(values))])
    assert np.array_equal(cleaned, np.array(expected).reshape(-1, 2), equal_nan=True)
    flat = {(name, flag): count for name, counted in flags.items() for flag, count in counted.items()}
    assert flat == {key: count for key, count in gaps.items() if key[1]}


@given(numbers, treatments, st.sampled_from([-1.0, 0.0, 1.0]))
def test_whatever_is_asked_of_whatever_comes_it_is_finite_or_a_gap_with_a_reason(
    values: list[float], treatment: Treatment, every_s: float
) -> None:
    for scan, value in zip(_cleaned(treatment, values, every_s=every_s), values, strict=True):
        assert math.isnan(scan.values[0]) == bool(scan.gaps)
        assert math.isfinite(scan.values[0]) or flag_of(scan.gaps["a"])
        assert scan.gaps or scan.values[0] == (calibrated(value, treatment) if treatment.calibrates else value)
