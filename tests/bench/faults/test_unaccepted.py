"""What a kill cost is read off the ledger, and too much of it breaks the row."""

from bench.faults.unaccepted import STALL_MS, Bounds, context_ages_ms, summary_age_ms, unaccepted
from device_agent.ledger import Entry

BOUNDS = Bounds(summary_ms=500, context_ms=300)


def entry(kind: str, at_ms: int, *, seq: int = 1, episode_id: str = "") -> Entry:
    return Entry(
        spool_id="s",
        lane="events",
        seq=seq,
        kind=kind,
        sample_wall_ms=at_ms,
        accepted_wall_ms=at_ms + 10,
        episode_id=episode_id,
    )


def test_the_age_is_that_of_the_newest_summary_of_the_life_that_ended() -> None:
    assert summary_age_ms([entry("health", 1_000), entry("summary", 1_200), entry("summary", 1_400)], 1_500) == [100]
    assert summary_age_ms([entry("health", 3_000)], 3_110) == [100]
    assert summary_age_ms([], 3_100) == []


def test_a_summary_that_came_too_late_breaks_the_row() -> None:
    ledger = [entry("episode", 0, episode_id="e"), entry("context", 100, episode_id="e"), entry("summary", 1_000)]

    assert not unaccepted(ledger, [1_000 + BOUNDS.summary_ms + STALL_MS], BOUNDS).broken
    assert unaccepted(ledger, [1_001 + BOUNDS.summary_ms + STALL_MS], BOUNDS).broken


def test_a_context_counts_from_the_opening_of_its_episode() -> None:
    life = [entry("episode", 1_000, episode_id="old"), entry("episode", 1_900, episode_id="young")]

    assert context_ages_ms(life, 2_000) == [990, 90]
    assert context_ages_ms([*life, entry("context", 1_200, episode_id="old")], 2_000) == [90]


def test_a_context_that_came_too_late_breaks_the_row() -> None:
    other = [entry("episode", 0, episode_id="e"), entry("context", 100, episode_id="e")]
    late_ms = 1_010 + BOUNDS.context_ms + STALL_MS
    ledger = [*other, entry("episode", 1_000, episode_id="late"), entry("summary", 1_500)]

    assert not unaccepted(ledger, [late_ms], BOUNDS).broken
    assert unaccepted(ledger, [late_ms + 1], BOUNDS).broken


def test_a_run_without_a_context_proves_nothing_about_it() -> None:
    assert unaccepted([entry("summary", 1_000)], [1_100], BOUNDS).broken
