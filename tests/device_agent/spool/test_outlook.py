import pytest

from device_agent.spool.limits import same_for_all
from device_agent.spool.outlook import Outlook


def test_nothing_appended_lasts_for_ever() -> None:
    outlook = Outlook(same_for_all(1000), 0.0)

    assert outlook.hours_left({"events": 0, "summaries": 0, "context": 0}, 10.0) is None


@pytest.mark.parametrize("minutes", [2, 30, 600])
def test_a_steady_rate_is_known_soon_and_stays_known(minutes: int) -> None:
    outlook = Outlook(same_for_all(360_000), 0.0)
    for second in range(1, minutes * 60):
        outlook.note("events", 10, float(second))

    left = outlook.hours_left({"events": 0, "summaries": 0, "context": 0}, minutes * 60.0)
    assert left == pytest.approx(10.0, rel=0.1)


def test_what_is_kept_already_shortens_it() -> None:
    outlook = Outlook(same_for_all(360_000), 0.0)
    for second in range(1, 3600):
        outlook.note("events", 10, float(second))

    assert outlook.hours_left({"events": 359_999, "summaries": 0, "context": 0}, 3600.0) == pytest.approx(0, abs=0.1)


def test_each_lane_has_its_own_answer() -> None:
    outlook = Outlook(same_for_all(360_000), 0.0)
    for second in range(1, 3600):
        outlook.note("events", 10, float(second))
        outlook.note("context", 20, float(second))

    left = outlook.lane_hours_left({"events": 0, "summaries": 0, "context": 0}, 3600.0)
    assert left == {"events": pytest.approx(10, rel=0.1), "summaries": None, "context": pytest.approx(5, rel=0.1)}
