"""How fast and how often."""

import random

from hypothesis import given
from hypothesis import strategies as st

from device_agent.uplink.pacing import Backoff, Pace, TokenBucket


@given(steps=st.lists(st.floats(0, 1), max_size=200), rate=st.floats(1, 90))
def test_a_bucket_never_lets_more_pass_than_rate_and_burst_allow(steps, rate):
    now_s = passed = 0.0
    bucket = TokenBucket(rate, burst=5, now_s=now_s)
    for step in steps:
        now_s += step
        while bucket.ready(now_s):
            bucket.take()
            passed += 1

    assert passed <= 5 + rate * now_s + 1e-6


def test_a_bucket_left_alone_is_full_again_and_no_fuller():
    bucket = TokenBucket(10, burst=3, now_s=0)
    passed = 0
    while bucket.ready(1000):
        bucket.take()
        passed += 1

    assert passed == 3


@given(failures=st.integers(1, 10_000), seed=st.integers(0, 1000))
def test_a_wait_never_exceeds_its_bound(failures, seed):
    backoff = Backoff(first_s=1, last_s=30, source=random.Random(seed))  # noqa: S311 - a fixed seed

    assert 0 <= backoff.wait_s(failures) <= min(30, 2 ** min(failures - 1, 30))


def test_bytes_hold_back_what_messages_would_allow() -> None:
    pace = Pace(publishes_per_s=90, bytes_per_s=100_000, burst_s=0.1, now_s=0)
    sent = 0
    for step in range(1000):
        while pace.ready(step / 100):
            pace.take(5000)
            sent += 5000

    assert 990_000 <= sent <= 1_020_000


def test_messages_hold_back_what_bytes_would_allow() -> None:
    pace = Pace(publishes_per_s=50, bytes_per_s=400_000, burst_s=0.1, now_s=0)
    sent = 0
    for step in range(1000):
        while pace.ready(step / 100):
            pace.take(10)
            sent += 1

    assert 495 <= sent <= 506
