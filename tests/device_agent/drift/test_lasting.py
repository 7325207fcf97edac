import numpy as np
import pytest

from device_agent.drift.lasting import Lasting

PATIENCE = 20


def _blocks_until(lasting: Lasting, steps: float, *, most: int = 1000) -> int | None:
    for block in range(1, most + 1):
        if lasting.push(np.array([steps])):
            return block
    return None


@pytest.mark.parametrize(("steps", "blocks"), [(1.0, PATIENCE), (-1.0, PATIENCE), (2.0, 7), (50.0, 7)])
def test_a_change_of_one_step_takes_the_patience_and_a_larger_one_a_third_at_least(steps: float, blocks: int) -> None:
    assert _blocks_until(Lasting(1, PATIENCE), steps) == blocks


def test_half_a_step_never_begins() -> None:
    assert _blocks_until(Lasting(1, PATIENCE), 0.5) is None


def test_a_distance_that_trembles_about_the_limit_begins_once() -> None:
    lasting, begun = Lasting(1, PATIENCE), 0
    for block in range(400):
        begun += len(lasting.push(np.array([1.2 if block % 2 else 0.2])))
    assert begun == 1


def test_what_came_back_ends_and_may_begin_the_other_way() -> None:
    lasting = Lasting(1, PATIENCE)
    _blocks_until(lasting, 2.0)
    assert lasting.begun.tolist() == [1]
    _blocks_until(lasting, 0.0)
    assert lasting.begun.tolist() == [0]
    _blocks_until(lasting, -2.0)
    assert lasting.begun.tolist() == [-1]


def test_a_block_of_gaps_changes_nothing() -> None:
    lasting = Lasting(2, PATIENCE)
    for _ in range(PATIENCE - 1):
        lasting.push(np.array([1.0, np.nan]))
    for _ in range(100):
        assert not lasting.push(np.array([np.nan, np.nan]))
    assert lasting.push(np.array([1.0, np.nan])) == [0]
