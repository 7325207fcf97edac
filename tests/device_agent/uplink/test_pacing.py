"""How fast and how often."""

import random

from hypothesis import given
from hypothesis import strategies as st

from device_agent.uplink.pacing import Backoff, TokenBucket


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
