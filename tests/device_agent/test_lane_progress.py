"""What one lane sends next when its link comes back to a backlog."""

from collections.abc import Iterator

import pytest

from contract.health import Health
from device_agent.lane_progress import FRESH_EVENTS, LaneProgress
from device_agent.spool.memory import MemorySpool

BACKLOG = 200


def health(number: int) -> Health:
    return Health(wall_ms=number, monotonic_ms=number, version="1", uptime_ms=1, interval_ms=1, sensors={})


def accept(spool: MemorySpool, count: int) -> None:
    spool.append("boot", [health(number) for number in range(count)])


def everything(lane: LaneProgress) -> Iterator[tuple[int, int]]:
    """First and last sequence of the blocks in the order in which they go."""
    while choice := lane.next_live(0.0, (), flush=True) or lane.next_backlog(0.0, ()):
        yield choice.block.first_seq, choice.block.last_seq


@pytest.fixture
def spool() -> MemorySpool:
    filled = MemorySpool()
    accept(filled, BACKLOG)
    return filled


def test_the_newest_of_a_backlog_go_first_then_the_rest_from_the_oldest_on(spool: MemorySpool) -> None:
    lane = LaneProgress("events", spool, linger_s=0.0)
    lane.link_came_up()
    order = list(everything(lane))
    assert order[0][0] == BACKLOG - FRESH_EVENTS + 1
    backlog = [block for block in order if block[0] <= BACKLOG - FRESH_EVENTS]
    assert backlog == sorted(backlog)
    assert backlog[0][0] == 1
    assert sorted(seq for first, last in order for seq in range(first, last + 1)) == list(range(1, BACKLOG + 1))


def test_a_block_sealed_across_the_boundary_goes_once(spool: MemorySpool) -> None:
    before = LaneProgress("events", spool, linger_s=0.0)
    sealed = list(everything(before))
    after_restart = LaneProgress("events", spool, linger_s=0.0)
    after_restart.link_came_up()
    assert sorted(everything(after_restart)) == sorted(sealed)


def test_what_comes_while_a_backlog_drains_does_not_wait_for_it(spool: MemorySpool) -> None:
    lane = LaneProgress("events", spool, linger_s=0.0)
    lane.link_came_up()
    while lane.next_live(0.0, (), flush=True):
        pass
    assert lane.next_backlog(0.0, ()) is not None
    accept(spool, 1)
    choice = lane.next_live(0.0, (), flush=True)
    assert choice is not None
    assert (choice.block.first_seq, choice.block.last_seq) == (BACKLOG + 1, BACKLOG + 1)


def test_a_link_that_comes_and_goes_leaves_nothing_out_and_sends_nothing_twice(spool: MemorySpool) -> None:
    lane = LaneProgress("events", spool, linger_s=0.0)
    sent: list[int] = []
    for _ in range(5):
        lane.link_came_up()
        for _, block in zip(range(3), everything(lane), strict=False):
            sent += range(block[0], block[1] + 1)
        accept(spool, FRESH_EVENTS + 30)
    for first, last in everything(lane):
        sent += range(first, last + 1)
    assert sorted(sent) == list(range(1, spool.newest("events") + 1))
