import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_functions.core.people import LabelRow
from cloud_functions.core.thresholds import MARGIN, fitted, thresholds
from contract.feedback import FADES_AFTER_DAYS, MAX_FACTOR, MAX_FEEDBACK_BYTES, Feedback, Label, encode_feedback
from tests.cloud_functions.make import NOW_MS

DAY_MS = 86_400_000


def _label(label: Label, peak: float, *, channel: str = "current", at_ms: int = NOW_MS - 1000) -> LabelRow:
    return LabelRow(
        pk="G#gw",
        sk=f"{at_ms}#{label}#{peak}",
        gateway_id="gw",
        episode_id="e",
        sensor="press",
        top_channel=channel,
        peak=peak,
        label=label,
        by="anna",
        labelled_ms=at_ms,
        version=1,
    )


def _factors(*labels: LabelRow, after_ms: int = 0) -> dict[str, float]:
    return {one.channel: one.factor for one in thresholds(labels, after_ms=after_ms, now_ms=NOW_MS)}


def test_an_episode_that_was_none_moves_the_threshold_just_beyond_its_peak() -> None:
    assert _factors(_label("false", 1.3), _label("false", 1.5)) == {"current": pytest.approx(1.65, abs=0.002)}


def test_no_label_raises_a_threshold_above_the_cap() -> None:
    assert _factors(_label("false", 40.0)) == {"current": MAX_FACTOR}


def test_a_fault_that_somebody_confirmed_would_still_alarm() -> None:
    (factor,) = _factors(_label("false", 1.9), _label("true", 1.5)).values()
    assert 1.0 < factor < 1.5
    assert _factors(_label("false", 1.9), _label("true", 1.05)) == {}


def test_what_says_nothing_about_the_filter_changes_nothing() -> None:
    assert _factors(_label("ignore", 1.5), _label("true", 1.5)) == {}


def test_another_channel_keeps_its_threshold() -> None:
    assert set(_factors(_label("false", 1.5), _label("true", 1.2, channel="pressure"))) == {"current"}


def test_labels_that_were_taken_back_or_have_faded_do_not_count() -> None:
    assert _factors(_label("false", 1.5), after_ms=NOW_MS) == {}
    assert _factors(_label("false", 1.5, at_ms=NOW_MS - FADES_AFTER_DAYS * DAY_MS)) == {}


labels_of_people = st.builds(
    _label, st.sampled_from(["true", "false", "ignore"]), st.floats(0, 1e6), channel=st.sampled_from("ab")
)


@given(st.lists(labels_of_people, max_size=20))
def test_whatever_people_say_no_threshold_leaves_its_bounds_or_hides_a_confirmed_fault(labels: list[LabelRow]) -> None:
    for one in thresholds(labels, after_ms=0, now_ms=NOW_MS):
        assert 1.0 < one.factor <= MAX_FACTOR
        confirmed = [label.peak for label in labels if label.label == "true" and label.top_channel == one.channel]
        assert all(peak >= one.factor * MARGIN - 1e-6 for peak in confirmed)


def test_names_that_are_long_leave_room_for_the_latest_only() -> None:
    labels = [_label("false", 1.5, channel=f"{n:03d}" + "c" * 200, at_ms=NOW_MS - n) for n in range(40)]
    made = fitted(Feedback(version=1, made_ms=NOW_MS, thresholds=thresholds(labels, after_ms=0, now_ms=NOW_MS)))
    assert len(encode_feedback(made)) <= MAX_FEEDBACK_BYTES
    assert [one.since_ms for one in made.thresholds] == [NOW_MS - n for n in range(len(made.thresholds))]
