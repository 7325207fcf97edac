"""What was counted becomes figures, and a broken promise is told."""

from bench.disk import Written
from bench.spool_days import Days
from bench.wear import Figures, _Count, _figures, _wear

BEFORE = _Count(at_s=100.0, samples=1000, accepted=10, written=Written(0, 0, 0))
AFTER = _Count(at_s=160.0, samples=5800, accepted=14, written=Written(144_000, 30, 12))


def day(bytes_per_sample: float) -> Days:
    return Days(
        hours=24,
        samples=6_912_000,
        events={"events": 1},
        disk_bytes_per_sample=bytes_per_sample,
        disk_bytes_per_event=1,
        flushes_per_day=1,
        gb_per_day=0.1,
        json_bytes_per_day={"events": 1},
        hours_held={"events": 1},
    )


def figures(written: int) -> Figures:
    return _figures(BEFORE, AFTER._replace(written=Written(written, 1, 1)), 6)


def test_figures_are_per_sample_and_per_day() -> None:
    found = _figures(BEFORE, AFTER, 5)
    assert (found.samples, found.accepted, found.disk_bytes_per_sample) == (4800, 4, 30.0)
    assert (found.fsyncs_per_day, found.flushes_per_day, found.gb_per_day) == (7200, 17_280, 0.207)


def test_syncs_that_nobody_counted_are_no_zero() -> None:
    assert _figures(BEFORE, AFTER, None).fsyncs_per_day is None


def test_an_episode_costs_what_it_adds_and_so_many_fit() -> None:
    wear = _wear(figures(96_000), figures(596_000), day(13.0), seconds=60.0, method="by hand")
    assert wear.passed
    assert wear.disk_bytes_per_episode == 500_000
    assert wear.episodes_per_day_kept == int(40 * 6_912_000 / 500_000)


def test_too_much_in_a_minute_or_in_a_day_breaks_the_promise() -> None:
    calm, busy = figures(96_000), figures(4800 * 61)
    assert not _wear(busy, busy, day(13.0), seconds=60.0, method="").passed
    assert not _wear(calm, calm, day(61.0), seconds=60.0, method="").passed
    assert _wear(calm, busy, None, seconds=60.0, method="").passed
