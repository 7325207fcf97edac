from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from contract.events import Episode
from device_agent.condense.episodes import MAX_UPDATES, EpisodeTracker, Source, Timing
from device_agent.condense.moment import Moment
from device_agent.condense.notes import EpisodeNotes, MemoryNotes, Note
from device_agent.filters.gate import Verdict
from device_agent.identity import Identity

SOURCE = Source(Identity("gw", "b0070000000000000000000000000000"), "host", ("cpu", "memory"), "level-8 v1 ab")
HOP, STEP_MS = 4, 400
TIMING = Timing(rate_hz=1.0, hop_scans=HOP)


def _verdict(score: float, *, gaps: bool = False) -> Verdict:
    scores = np.array([score, score / 4], dtype=np.float32)
    return Verdict(score, scores, scores * 3, scores * 0, gaps)


def _run(scores: Sequence[float], *, wall_jump_ms: int = 0, tracker: EpisodeTracker | None = None) -> list[Episode]:
    tracker = tracker or EpisodeTracker(SOURCE, MemoryNotes(), TIMING)
    events = []
    for n, score in enumerate(scores):
        jump = wall_jump_ms if n >= len(scores) // 2 else 0
        at = Moment(1_700_000_000_000 + n * STEP_MS + jump, n * STEP_MS * 1_000_000)
        events.append(tracker.step(at, _verdict(score)))
    return [event for event in events if event is not None]


def _phases(scores: Sequence[float]) -> list[str]:
    return [event.phase for event in _run(scores)]


def test_a_short_burst_is_not_an_episode() -> None:
    assert not _phases([0.1] * 20 + [3.0] + [0.1] * 20)


def test_five_scans_open_it_and_ten_calm_ones_close_it() -> None:
    assert _phases([0.1] * 20 + [1.2] * 2 + [0.1] * 2) == ["opened"]
    assert _phases([0.1] * 20 + [1.2] * 2 + [0.1] * 3) == ["opened", "closed"]


def test_a_sensor_faster_than_one_scan_a_second_needs_as_many_seconds() -> None:
    def phases(over: int, calm: int) -> list[str]:
        tracker = EpisodeTracker(SOURCE, MemoryNotes(), Timing(rate_hz=10.0, hop_scans=HOP))
        return [event.phase for event in _run([1.2] * over + [0.1] * calm, tracker=tracker)]

    assert phases(12, 25) == []
    assert phases(13, 24) == ["opened"]
    assert phases(13, 25) == ["opened", "closed"]


def test_a_score_that_trembles_about_the_threshold_is_one_episode() -> None:
    trembling = [1.05, 1.02, 1.01, 0.75, 1.1, 0.85, 0.7, 0.75] * 20
    phases = _phases([0.1] * 10 + trembling + [0.1] * 20)
    assert phases[0] == "opened"
    assert phases[-1] == "closed"
    assert phases.count("opened") == phases.count("closed") == 1


def test_a_relapse_within_the_calm_keeps_it_open() -> None:
    assert _phases([1.5] * 5 + [0.1] * 2 + [0.85] + [0.1] * 2)[-1] != "closed"


def test_the_onset_is_where_the_score_rose_and_not_where_it_alarmed() -> None:
    opened = _run([0.1] * 10 + [0.6, 0.8, 1.1, 1.3])[0]
    assert opened.onset_wall_ms == 1_700_000_000_000 + 10 * STEP_MS
    assert opened.duration_ms == 3 * STEP_MS
    assert opened.wall_ms == opened.onset_wall_ms + opened.duration_ms


def test_the_onset_is_at_most_one_window_before_the_alarm() -> None:
    opened = _run([0.6] * 1000 + [1.1] * 5)[0]
    assert opened.duration_ms == (16 + 1) * STEP_MS


def test_a_growing_peak_is_told_but_not_at_every_step() -> None:
    events = _run([1.0 + 0.05 * n for n in range(40)])
    told = [event.peak_score for event in events]
    assert [event.phase for event in events[1:]] == ["updated"] * (len(events) - 1)
    assert 3 <= len(events) <= 6
    assert told == sorted(told)


def test_a_long_episode_is_told_at_every_doubling() -> None:
    events = _run([1.2] * 20_000)
    assert len(events) < 20
    durations = [event.duration_ms for event in events[2:]]
    assert all(later >= 2 * earlier for earlier, later in pairwise(durations))


def test_updates_are_bounded_and_the_rest_is_counted() -> None:
    tracker = EpisodeTracker(SOURCE, MemoryNotes(), TIMING)
    events = _run([1.3 ** (n // 8) for n in range(8 * 60)], tracker=tracker)
    assert len(events) == 1 + MAX_UPDATES
    assert tracker.capped > 0


def test_every_phase_has_the_same_deterministic_id() -> None:
    scores = [0.1] * 10 + [1.4] * 40 + [0.1] * 20
    first, second = _run(scores), _run(scores)
    assert first == second
    assert {event.episode_id for event in first} == {"gw.host.b0070000.4000"}


def test_the_next_episode_has_another_id() -> None:
    scores = ([1.4] * 10 + [0.1] * 20) * 2
    assert len({event.episode_id for event in _run(scores)}) == 2


def test_a_step_of_the_wall_clock_changes_neither_durations_nor_boundaries() -> None:
    scores = [0.1] * 10 + [1.4] * 40 + [0.1] * 30
    plain = _run(scores)
    for jump in (3_600_000, -3_600_000):
        stepped = _run(scores, wall_jump_ms=jump)
        assert [(e.phase, e.duration_ms, e.monotonic_ms, e.episode_id) for e in stepped] == [
            (e.phase, e.duration_ms, e.monotonic_ms, e.episode_id) for e in plain
        ]


def test_the_peak_names_the_channel_its_share_and_a_reason() -> None:
    closed = _run([0.1] * 10 + [1.2, 2.0, 1.5, 1.4, 1.4] + [0.1] * 16)[-1]
    assert closed.top_channel == "cpu"
    assert closed.contributions == {"cpu": 0.8, "memory": 0.2}
    assert (closed.peak_score, closed.peak_wall_ms) == (2.0, 1_700_000_000_000 + 11 * STEP_MS)
    assert closed.reason == "cpu 6.0 σ above its level for 3 s"  # noqa: RUF001 - the Greek letter is meant
    assert closed.model == "level-8 v1 ab"


@pytest.mark.parametrize(("moved", "stays"), [(0.0, False), (2.0, False), (3.2, True), (-3.2, False)])
def test_an_episode_that_ends_because_the_centre_went_there_says_so(moved: float, *, stays: bool) -> None:
    tracker = EpisodeTracker(SOURCE, MemoryNotes(), TIMING)
    verdicts = [_verdict(2.0)] * 3 + [_verdict(0.1)._replace(moved=np.array([moved, 9.0], dtype=np.float32))] * 3
    said = [tracker.step(Moment(n, n * 10**9), verdict) for n, verdict in enumerate(verdicts)]
    assert said[-1] is not None
    assert said[-1].reason.endswith("and stays there: now its level") == stays


def test_a_deviation_at_the_clip_may_be_any_larger_one() -> None:
    far = _run([0.1] * 10 + [2.6] * 3)[-1]
    assert far.reason.startswith("cpu more than 7.8 σ above its level")  # noqa: RUF001 - the Greek letter is meant


def test_gaps_inside_the_episode_are_told() -> None:
    tracker = EpisodeTracker(SOURCE, MemoryNotes(), TIMING)
    assert tracker.step(Moment(0, 0), _verdict(2.0)) is None
    opened = tracker.step(Moment(1, 10**6), _verdict(2.0, gaps=True))
    assert opened is not None
    assert opened.quality == "gaps"


def _opened(notes: EpisodeNotes, *, then: Sequence[float] = ()) -> list[Episode]:
    return _run([0.1] * 10 + [1.4] * 6 + list(then), tracker=EpisodeTracker(SOURCE, notes, TIMING))


def _resumed(notes: EpisodeNotes, source: Source, now: Moment) -> tuple[EpisodeTracker, Episode | None]:
    tracker = EpisodeTracker(source, notes, TIMING)
    return tracker, tracker.resume(now)


@pytest.mark.parametrize("boot", [SOURCE.identity.boot_id, "c" * 32])
def test_a_restart_goes_on_with_the_open_episode_and_closes_it(boot: str) -> None:
    notes = MemoryNotes()
    opened = _opened(notes)[0]
    other = boot != SOURCE.identity.boot_id
    later = Moment(opened.onset_wall_ms + 60_000, (5_000 if other else opened.monotonic_ms + 60_000) * 10**6)
    tracker, again = _resumed(notes, SOURCE._replace(identity=Identity("gw", boot)), later)
    assert again is not None
    assert (again.phase, again.episode_id) == ("updated", opened.episode_id)
    assert again.duration_ms == pytest.approx(60_000, abs=3_000)
    said = [tracker.step(Moment(later.wall_ms + n, later.monotonic_ns + n), _verdict(0.1)) for n in range(3)]
    assert said[-1] is not None
    assert (said[-1].phase, said[-1].episode_id) == ("closed", opened.episode_id)


def test_after_a_crash_the_last_word_on_a_closed_episode_is_said_again() -> None:
    notes = MemoryNotes()
    closed = _opened(notes, then=[0.1] * 16)[-1]
    _, again = _resumed(notes, SOURCE, Moment(0, 0))
    assert again is not None
    assert (again.phase, again.episode_id, again.wall_ms) == ("closed", closed.episode_id, closed.wall_ms)


def test_after_an_orderly_end_a_closed_episode_is_not_said_again() -> None:
    notes = MemoryNotes()
    tracker = EpisodeTracker(SOURCE, notes, TIMING)
    _run([1.4] * 6 + [0.1] * 16, tracker=tracker)
    tracker.settle()
    assert _resumed(notes, SOURCE, Moment(0, 0))[1] is None


def test_an_orderly_end_does_not_forget_an_open_episode() -> None:
    notes = MemoryNotes()
    tracker = EpisodeTracker(SOURCE, notes, TIMING)
    _run([1.4] * 6, tracker=tracker)
    tracker.settle()
    assert _resumed(notes, SOURCE, Moment(0, 0))[1] is not None


class _FullDisk(MemoryNotes):
    def save(self, note: Note) -> None:
        raise OSError(28, "No space left on device", note.boot_id)


def test_an_episode_that_cannot_be_noted_is_still_told_and_counted() -> None:
    tracker = EpisodeTracker(SOURCE, _FullDisk(), TIMING)
    assert [event.phase for event in _run([1.4] * 6, tracker=tracker)] == ["opened"]
    assert tracker.unnoted == 1
