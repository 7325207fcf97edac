from hypothesis import given
from hypothesis import strategies as st

from device_agent.sensors.gpio_edges import Latch


def test_a_change_whose_count_comes_late_is_shown_once() -> None:
    latch = Latch(0)
    assert latch.show(1, 0)
    assert latch.show(1, 1)
    assert latch.show(1, 1)


def test_a_level_that_comes_after_its_count_is_not_shown_before_it() -> None:
    latch = Latch(0)
    assert not latch.show(0, 1)
    assert latch.show(1, 1)
    assert latch.show(1, 1)


@given(st.lists(st.integers(0, 7), max_size=40))
def test_every_look_with_a_change_before_it_differs_and_rest_shows_the_level(changes: list[int]) -> None:
    latch, level, counted, shown = Latch(0), 0, 0, 0
    for count in changes:
        counted += count
        level ^= count % 2
        before, shown = shown, latch.show(level, counted)
        assert shown != before or (count < 2 and level == before)
    for _ in range(2):
        shown = latch.show(level, counted)
    assert shown == level
