import pytest

from device_agent.alertness import ALERT_POLL_S, ALERT_S, LOOK_S, POLL_S, Alertness
from device_agent.errors import SpoolError


class Spool:
    """Its version, the time, and whether writes are told of."""

    def __init__(self) -> None:
        self.rows, self.now_s, self.told, self.broken = 0, 100.0, True, False
        self.alertness = Alertness(self.version, lambda: self.now_s, lambda: self.told)

    def version(self) -> tuple[int, ...]:
        if self.broken:
            raise SpoolError("gone")
        return (self.rows,)

    def step(self) -> None:
        self.alertness.begins()
        self.alertness.ended()


@pytest.fixture
def spool() -> Spool:
    made = Spool()
    made.step()
    return made


def test_a_spool_that_nobody_writes_to_is_looked_through_once_a_second(spool: Spool) -> None:
    assert spool.alertness.pause_s(calm=True) == LOOK_S
    spool.now_s += LOOK_S - 0.01
    assert not spool.alertness.is_due(calm=True)
    spool.now_s += 0.01
    assert spool.alertness.is_due(calm=True)


def test_a_write_is_looked_for_until_it_can_be_seen(spool: Spool) -> None:
    spool.alertness.written()
    assert not spool.alertness.is_due(calm=True)
    assert spool.alertness.pause_s(calm=True) == ALERT_POLL_S
    spool.rows += 1
    assert spool.alertness.is_due(calm=True)
    spool.step()
    assert spool.alertness.pause_s(calm=True) == LOOK_S


def test_a_write_that_comes_to_nothing_is_not_looked_for_for_ever(spool: Spool) -> None:
    spool.alertness.written()
    spool.now_s += ALERT_S
    assert spool.alertness.pause_s(calm=True) == LOOK_S


def test_what_came_while_a_step_was_going_on_is_a_reason_for_another(spool: Spool) -> None:
    spool.alertness.begins()
    spool.rows += 1
    spool.alertness.ended()
    assert spool.alertness.is_due(calm=True)


def test_where_nobody_tells_of_writes_the_spool_is_asked_several_times_a_second(spool: Spool) -> None:
    spool.told = False
    assert spool.alertness.pause_s(calm=True) == POLL_S
    assert not spool.alertness.is_due(calm=True)
    spool.rows += 1
    assert spool.alertness.is_due(calm=True)


def test_what_waits_for_its_time_is_looked_at_several_times_a_second(spool: Spool) -> None:
    assert spool.alertness.is_due(calm=False)
    assert spool.alertness.pause_s(calm=False) == POLL_S


def test_a_spool_that_cannot_say_is_stepped_so_that_its_failure_is_told(spool: Spool) -> None:
    spool.broken = True
    assert spool.alertness.is_due(calm=True)
