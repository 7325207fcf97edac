from hypothesis import given
from hypothesis import strategies as st

from device_agent.sensors.rates import (
    FIRST_LOOK,
    NO_TIME,
    NOTHING_COUNTED,
    WENT_BACK,
    CounterRates,
    CpuShare,
    CpuTimes,
    Look,
    Missing,
)

SECOND = 1_000_000_000


def test_the_first_look_gives_no_rate() -> None:
    assert CounterRates(2).update(Look(0, {"a": (1, 2)})) == (Missing(FIRST_LOOK), Missing(FIRST_LOOK))


def test_a_rate_is_taken_over_the_interval_that_truly_passed() -> None:
    rates = CounterRates(2)
    rates.update(Look(0, {"a": (0, 0)}))
    assert rates.update(Look(2 * SECOND, {"a": (100, 7)})) == (50.0, 3.5)


def test_sources_are_summed() -> None:
    rates = CounterRates(1)
    rates.update(Look(0, {"a": (0,), "b": (10,)}))
    assert rates.update(Look(SECOND, {"a": (5,), "b": (13,)})) == (8.0,)


def test_a_counter_that_went_back_is_a_gap_for_one_reading_only() -> None:
    rates = CounterRates(1)
    rates.update(Look(0, {"a": (2**32 - 10,)}))
    assert rates.update(Look(SECOND, {"a": (5,)})) == (Missing(WENT_BACK),)
    assert rates.update(Look(2 * SECOND, {"a": (8,)})) == (3.0,)


def test_a_source_that_comes_or_goes_is_left_out_of_its_first_interval() -> None:
    rates = CounterRates(1)
    rates.update(Look(0, {"a": (0,), "gone": (0,)}))
    assert rates.update(Look(SECOND, {"a": (1,), "new": (10**12,)})) == (1.0,)
    assert rates.update(Look(2 * SECOND, {"a": (2,), "new": (10**12 + 1,)})) == (2.0,)


def test_no_source_and_no_time_are_gaps() -> None:
    rates = CounterRates(1)
    rates.update(Look(0, {}))
    assert rates.update(Look(SECOND, {})) == (Missing(NOTHING_COUNTED),)
    rates.update(Look(SECOND, {"a": (1,)}))
    assert rates.update(Look(SECOND, {"a": (1,)})) == (Missing(NO_TIME),)


@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 2**64)), max_size=20))
def test_a_rate_is_never_negative(looks: list[tuple[int, int]]) -> None:
    rates = CounterRates(1)
    for monotonic_ns, counter in looks:
        (value,) = rates.update(Look(monotonic_ns, {"a": (counter,)}))
        assert isinstance(value, Missing) or value >= 0


def test_the_cpu_share_is_what_was_neither_idle_nor_waiting() -> None:
    share = CpuShare()
    assert share.update(CpuTimes(5, 90, 5)) == Missing(FIRST_LOOK)
    assert share.update(CpuTimes(10, 94, 6)) == 50.0


def test_waiting_time_that_goes_back_on_its_own_counts_as_none() -> None:
    share = CpuShare()
    share.update(CpuTimes(5, 90, 5))
    assert share.update(CpuTimes(10, 95, 4)) == 50.0


def test_cpu_times_that_stand_still_or_go_back_are_gaps() -> None:
    share = CpuShare()
    share.update(CpuTimes(5, 90, 5))
    assert share.update(CpuTimes(5, 90, 5)) == Missing(NO_TIME)
    assert share.update(CpuTimes(1, 40, 5)) == Missing(WENT_BACK)


@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 3), max_size=20))
def test_the_cpu_share_is_always_within_0_and_100(ticks: list[tuple[int, int, int]]) -> None:
    share = CpuShare()
    for busy, idle, iowait in ticks:
        value = share.update(CpuTimes(busy, idle, iowait))
        assert isinstance(value, Missing) or 0 <= value <= 100
