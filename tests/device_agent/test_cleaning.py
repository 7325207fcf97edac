import math

from hypothesis import given
from hypothesis import strategies as st

from device_agent.cleaning import clean
from device_agent.sensors.port import GAP, Channel, Scan

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
