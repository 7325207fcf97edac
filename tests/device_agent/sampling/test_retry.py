from hypothesis import given
from hypothesis import strategies as st

from device_agent.sampling.retry import LONGEST_PAUSE_S, Retry

SECOND = 1_000_000_000


def pauses(retry: Retry, failures: int) -> list[float]:
    """Seconds until the next try after each of so many failures, found to 0.1 s."""
    found = []
    for _ in range(failures):
        retry.failed(0)
        found.append(next(tenths / 10 for tenths in range(1000) if retry.may_try(tenths * SECOND // 10)))
    return found


def test_the_first_failure_is_tried_again_at_once_and_then_pauses_double_up_to_a_limit() -> None:
    assert pauses(Retry(lambda: 0.0), 8) == [0, 1, 2, 4, 8, 16, 30, 30]


def test_success_forgets_all_failures() -> None:
    retry = Retry(lambda: 0.0)
    pauses(retry, 5)
    retry.succeeded()
    assert pauses(retry, 2) == [0, 1]


@given(st.floats(0, 1), st.integers(1, 2000))
def test_no_pause_is_longer_than_the_limit_whatever_the_count(jitter: float, failures: int) -> None:
    retry = Retry(lambda: jitter)
    for _ in range(failures):
        retry.failed(0)
    assert retry.may_try(round(LONGEST_PAUSE_S * SECOND))
    assert failures < 7 or not retry.may_try(round(LONGEST_PAUSE_S * SECOND / 2) - 1)
