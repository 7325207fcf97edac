from pathlib import Path

import numpy as np
import pytest

from contract.feedback import FADES_AFTER_DAYS, Feedback, Threshold
from device_agent.feedback.store import FileFeedback, MemoryFeedback
from device_agent.feedback.view import FeedbackView, RaisedThresholds
from device_agent.filters.gate import Verdict

NOW_MS = 1_795_420_800_000
DAY_MS = 86_400_000
CHANNELS = ("current", "pressure")


def _feedback(version: int, factor: float, *, sensor: str = "press", channel: str = "current") -> Feedback:
    raised = Threshold(sensor=sensor, channel=channel, factor=factor, since_ms=NOW_MS)
    return Feedback(version=version, made_ms=NOW_MS, thresholds=[raised])


def _verdict(*scores: float) -> Verdict:
    by_channel = np.array(scores, dtype=np.float32)
    return Verdict(max(scores), by_channel, by_channel * 3, np.zeros_like(by_channel), gaps=False)


def test_only_the_named_channel_alarms_later() -> None:
    raised = RaisedThresholds(FeedbackView(MemoryFeedback(_feedback(1, 1.5))), "press", CHANNELS)
    verdict = raised.applied(_verdict(1.2, 0.6), NOW_MS)
    assert verdict.score == pytest.approx(0.8)
    assert verdict.channel_score.tolist() == pytest.approx([0.8, 0.6])
    assert raised.applied(_verdict(0.3, 1.2), NOW_MS).score == pytest.approx(1.2)
    assert raised.factors == {"current": 1.5}


def test_what_is_beyond_the_raised_threshold_still_alarms() -> None:
    raised = RaisedThresholds(FeedbackView(MemoryFeedback(_feedback(1, 2.0))), "press", CHANNELS)
    assert raised.applied(_verdict(2.5, 0.0), NOW_MS).score > 1.0


@pytest.mark.parametrize(("sensor", "channel"), [("pump", "current"), ("press", "torque")])
def test_another_sensors_feedback_changes_nothing(sensor: str, channel: str) -> None:
    view = FeedbackView(MemoryFeedback(_feedback(1, 2.0, sensor=sensor, channel=channel)))
    raised = RaisedThresholds(view, "press", CHANNELS)
    verdict = _verdict(1.2, 0.4)
    assert raised.applied(verdict, NOW_MS) is verdict


def test_a_new_version_is_heeded_without_a_restart(tmp_path: Path) -> None:
    store = FileFeedback(tmp_path / "feedback.json")
    view = FeedbackView(store)
    raised = RaisedThresholds(view, "press", CHANNELS)
    assert raised.applied(_verdict(1.2, 0.0), NOW_MS).score == pytest.approx(1.2)
    store.save(_feedback(1, 1.5))
    view.look()
    assert raised.applied(_verdict(1.2, 0.0), NOW_MS).score == pytest.approx(0.8)
    store.save(Feedback(version=2, made_ms=NOW_MS))
    view.look()
    assert raised.applied(_verdict(1.2, 0.0), NOW_MS).score == pytest.approx(1.2)
    assert view.present.version == 2


def test_feedback_fades_while_the_process_runs() -> None:
    raised = RaisedThresholds(FeedbackView(MemoryFeedback(_feedback(1, 2.0))), "press", CHANNELS)
    scores = [raised.applied(_verdict(1.5, 0.0), NOW_MS + days * DAY_MS).score for days in (0, 15, FADES_AFTER_DAYS)]
    assert scores == pytest.approx([0.75, 1.0, 1.5])
