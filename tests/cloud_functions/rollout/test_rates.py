import math

from hypothesis import given
from hypothesis import strategies as st

from cloud_functions.core.rollout.rates import Rate, surprise

HOUR = 3_600_000


def test_the_same_rate_is_no_surprise() -> None:
    assert surprise(Rate(10, HOUR), Rate(100, 10 * HOUR), factor=1.0) > 0.4


def test_five_alerts_in_a_minute_after_a_quiet_day_are() -> None:
    assert surprise(Rate(5, 60_000), Rate(0, 24 * HOUR), factor=2.0) < 1e-12


def test_one_alert_against_none_over_as_long_is_not() -> None:
    assert surprise(Rate(1, HOUR), Rate(0, HOUR), factor=2.0) > 0.6


def test_the_probability_is_the_binomial_tail_counted_by_hand() -> None:
    new, old, share = Rate(3, HOUR), Rate(1, HOUR), 2 / 3
    by_hand = sum(math.comb(4, k) * share**k * (1 - share) ** (4 - k) for k in (3, 4))
    assert math.isclose(surprise(new, old, factor=2.0), by_hand)


def test_what_cannot_be_compared_is_no_surprise() -> None:
    assert surprise(Rate(9, 0), Rate(0, HOUR), factor=2.0) == 1.0
    assert surprise(Rate(9, HOUR), Rate(0, 0), factor=2.0) == 1.0


@given(st.integers(0, 500), st.integers(0, 5000), st.integers(1, 10**10), st.integers(1, 10**12))
def test_it_is_a_probability_and_falls_with_every_further_event(new: int, old: int, new_ms: int, old_ms: int) -> None:
    before = surprise(Rate(new, new_ms), Rate(old, old_ms), factor=2.0)
    after = surprise(Rate(new + 1, new_ms), Rate(old, old_ms), factor=2.0)
    assert 0.0 <= after <= before + 1e-9 <= 1.0 + 1e-9
