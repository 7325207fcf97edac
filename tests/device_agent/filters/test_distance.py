import pytest

from device_agent.filters.distance import (
    FARTHEST_SIGMA,
    NEAREST_SIGMA,
    TRUSTED_MARGIN,
    TRUSTED_SIGMA,
    distances,
    scans_for,
)


def test_a_scan_a_second_and_one_false_episode_a_week_are_the_reference() -> None:
    assert distances(rate_hz=1.0, false_per_week=1.0) == pytest.approx((3.8, 4.0, 1.5))


def test_a_tenth_of_the_false_episodes_asks_for_deviations_nine_tenths_of_a_spread_larger() -> None:
    few, many = (distances(rate_hz=1.0, false_per_week=number) for number in (0.1, 1.0))
    assert few.sigma - many.sigma == pytest.approx(0.9)
    assert few.floors / many.floors == pytest.approx(few.margin / many.margin) == pytest.approx(4.7 / 3.8)


def test_a_sensor_that_is_read_once_an_hour_needs_smaller_ones_than_one_read_ten_times_a_second() -> None:
    slow, fast = (distances(rate_hz=rate, false_per_week=1.0) for rate in (1 / 3600, 10.0))
    assert slow.sigma < 3
    assert fast.sigma > 4
    assert slow.floors == fast.floors == 4.0


@pytest.mark.parametrize("number", [1e-3, 1e3])
def test_no_number_makes_the_filter_blind_or_mad(number: float) -> None:
    assert NEAREST_SIGMA <= distances(rate_hz=1000.0, false_per_week=number).sigma <= FARTHEST_SIGMA


@pytest.mark.parametrize(("rate_hz", "scans"), [(1 / 3600, 5), (1.0, 5), (4.0, 20), (10.0, 50), (80.0, 50)])
def test_a_recording_played_fast_needs_no_more_scans_than_it_did_when_it_was_made(rate_hz: float, scans: int) -> None:
    assert scans_for(5, rate_hz) == scans


def test_a_calibration_that_saw_longer_than_lies_between_two_false_episodes_needs_less_caution() -> None:
    blind, seen = (distances(rate_hz=1 / 3600, false_per_week=1.0, scans=scans) for scans in (0, 168 * 3))
    assert seen.sigma == pytest.approx(TRUSTED_SIGMA * blind.sigma)
    assert seen.margin == pytest.approx(TRUSTED_MARGIN * blind.margin)
    assert seen.floors == blind.floors


def test_the_more_of_that_time_was_seen_the_nearer_an_alarm_is() -> None:
    found = [
        distances(rate_hz=1 / 3600, false_per_week=1.0, scans=scans).sigma for scans in (10, 30, 100, 300, 3000, 9000)
    ]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 5  # above three times as long, nothing is gained


@pytest.mark.parametrize("rate_hz", [1.0, 10.0, 100.0])
def test_minutes_of_calibration_earn_a_fast_sensor_no_trust(rate_hz: float) -> None:
    assert distances(rate_hz=rate_hz, false_per_week=1.0, scans=400) == distances(rate_hz=rate_hz, false_per_week=1.0)
