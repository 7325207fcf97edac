"""A candidate tried beside the active filter."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from contract.events import Disagreement, Episode, SensorState
from contract.feedback import Feedback, Threshold
from contract.health import ShadowHealth
from contract.kinds import AnyEvent
from device_agent.clock import SystemClock
from device_agent.condense.episodes import Source
from device_agent.condense.moment import Moment
from device_agent.condenser import Condenser, Shape, Surroundings
from device_agent.config import FilterConfig, GatewayConfig, ShadowConfig
from device_agent.feedback.store import MemoryFeedback
from device_agent.feedback.view import FeedbackView
from device_agent.filters.gate import Verdict
from device_agent.filters.model import LevelModel
from device_agent.filters.models import ConfiguredModel
from device_agent.identity import Identity
from device_agent.pipeline import SensorPipeline
from device_agent.sensor_filters import candidate_of
from device_agent.sensors.drivers import HostSensor
from device_agent.sensors.port import Channel, Scan
from device_agent.shadow import MOST_AN_HOUR, TOLD_AT_THE_LATEST_MS, Active, Shadow

CHANNELS = (Channel(name="temperature", unit="°C", resolution=0.01),)
START_MS = 1_700_000_000_000
SENSITIVE, DULL = 1000.0, 0.001
"""Expected false episodes a week: the first filter alarms much earlier than the second."""


def _pipeline(
    folder: Path, *, active: float, candidate: float | None, feedback: FeedbackView | None = None
) -> SensorPipeline:
    shadow = None if candidate is None else ShadowConfig(expected_false_per_week=candidate)
    config = GatewayConfig(
        gateway="gw",
        state_dir=str(folder),
        sensors=[HostSensor(name="press")],
        filter=FilterConfig(calibration_scans=256, expected_false_per_week=active, shadow=shadow),
    )
    tried = LevelModel.load(None, 1) if candidate is not None else None
    identity, model = Identity("gw", "b" * 32), LevelModel.load(None, 1)
    return SensorPipeline("press", CHANNELS, 10.0, config, identity, model, feedback=feedback, candidate=tried)


def _day(warmer: Sequence[float], *, seed: int = 3) -> np.ndarray:
    """A quiet minute, then one with 20 s of deviation for each number."""
    values = np.random.default_rng(seed).normal(40, 0.1, 600 * (1 + len(warmer)))
    for number, more in enumerate(warmer, start=1):
        values[600 * number + 100 : 600 * number + 300] += more
    return values


def _run(pipeline: SensorPipeline, values: np.ndarray, *, from_scan: int = 0) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    for seq, value in enumerate(values.tolist(), start=from_scan):
        events += pipeline.push(Scan(seq, START_MS + seq * 100, seq * 100_000_000, (value,), {}))
    return events


def _between(folder: Path) -> float:
    """A deviation that the sensitive filter tells and the dull one does not."""
    for step in np.arange(0.1, 2.0, 0.05):
        day = _day([step])
        filters = [_pipeline(folder / f"{step}-{rate}", active=rate, candidate=None) for rate in (SENSITIVE, DULL)]
        if [bool(_of(_run(each, day), Episode)) for each in filters] == [True, False]:
            return float(step)
    pytest.fail("both filters are alike")


def _of(events: list[AnyEvent], kind: type) -> list[AnyEvent]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory) -> float:
    return _between(tmp_path_factory.mktemp("between"))


def test_a_candidate_changes_nothing_that_the_active_filter_says(tmp_path: Path, between: float) -> None:
    alone = _run(_pipeline(tmp_path / "alone", active=DULL, candidate=None), _day([between, 5.0]))
    beside = _run(_pipeline(tmp_path / "beside", active=DULL, candidate=SENSITIVE), _day([between, 5.0]))
    assert [event for event in beside if not isinstance(event, Disagreement)] == alone


def test_what_only_the_candidate_finds_is_told_as_its_own(tmp_path: Path, between: float) -> None:
    pipeline = _pipeline(tmp_path, active=DULL, candidate=SENSITIVE)
    (told,) = _of(_run(pipeline, _day([between, 0.0])), Disagreement)
    assert isinstance(told, Disagreement)
    assert (told.only, told.ended, told.top_channel) == ("candidate", True, "temperature")
    assert told.candidate_score >= 1.0 > told.active_score
    assert START_MS + 70_000 < told.start_wall_ms < START_MS + 90_000
    health = pipeline.shadow
    assert health is not None
    assert health.only_candidate > 0 == health.only_active


def test_what_only_the_active_filter_finds_is_told_too(tmp_path: Path, between: float) -> None:
    (told,) = _of(_run(_pipeline(tmp_path, active=SENSITIVE, candidate=DULL), _day([between, 0.0])), Disagreement)
    assert isinstance(told, Disagreement)
    assert told.only == "active"


def test_two_filters_that_are_alike_agree_always(tmp_path: Path) -> None:
    pipeline = _pipeline(tmp_path, active=1.0, candidate=1.0)
    events = _run(pipeline, _day([5.0, 0.3, 0.0]))
    assert not _of(events, Disagreement)
    health = pipeline.shadow
    assert health is not None
    assert (health.only_active, health.only_candidate) == (0, 0)
    assert health.agreed > 0


def test_a_moody_candidate_is_told_so_often_an_hour_and_the_rest_is_counted(tmp_path: Path, between: float) -> None:
    pipeline = _pipeline(tmp_path, active=DULL, candidate=SENSITIVE)
    told = _of(_run(pipeline, _day([between] * 25)), Disagreement)
    health = pipeline.shadow
    assert health is not None
    assert len(told) == MOST_AN_HOUR
    assert health.untold > 0


def test_a_stretch_that_lasts_is_told_while_it_lasts_and_once_more_at_its_end() -> None:
    model = LevelModel.load(None, 1)
    source = Source(Identity("gw", "b" * 32), "press", ("temperature",), model.label)
    config = FilterConfig(calibration_scans=256)
    tried = candidate_of(source, CHANNELS, 10.0, model, config=config, memory=None)
    shadow = Shadow("press", ("temperature",), tried, heed=lambda verdict, _: verdict, active="old", hop_scans=4)
    scores = np.array([1.5], dtype=np.float32)
    alarm = Verdict(1.5, scores, scores, scores, gaps=False)
    told = []
    for seq, value in enumerate(np.random.default_rng(3).normal(40, 0.1, 8000)):
        is_open = 600 <= seq < 7200
        at = Moment(START_MS + seq * 100, seq * 100_000_000)
        told += shadow.push(at, np.array([value]), Active("armed", alarm if seq % 4 == 0 else None, is_open))
    assert [(one.only, one.ended, round(one.duration_ms, -3)) for one in told] == [
        ("active", False, TOLD_AT_THE_LATEST_MS),
        ("active", True, 660_000),
    ]
    assert {one.active_score for one in told} == {1.5}


def test_a_candidate_lives_with_the_same_feedback(tmp_path: Path, between: float) -> None:
    usual = _pipeline(tmp_path / "usual", active=DULL, candidate=SENSITIVE)
    (told,) = _of(_run(usual, _day([between, 0.0])), Disagreement)
    assert isinstance(told, Disagreement)
    assert told.candidate_score < 2.0
    raised = Threshold(sensor="press", channel="temperature", factor=2.0, since_ms=START_MS)
    view = FeedbackView(MemoryFeedback(Feedback(version=1, made_ms=START_MS, thresholds=[raised])))
    heeding = _pipeline(tmp_path / "heeding", active=DULL, candidate=SENSITIVE, feedback=view)
    assert not _of(_run(heeding, _day([between, 0.0])), Disagreement)


def test_a_candidate_that_cannot_be_used_costs_the_active_filter_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"no model")
    config = GatewayConfig(
        gateway="gw",
        state_dir=str(tmp_path),
        sensors=[HostSensor(name="press")],
        filter=FilterConfig(calibration_scans=256, shadow=ShadowConfig(model=str(broken))),
    )
    accepted: list[AnyEvent] = []
    identity = Identity("gw", "b" * 32)
    around = Surroundings(config, identity, SystemClock(), accepted.extend, ConfiguredModel(None))
    condenser = Condenser(Shape("press", CHANNELS, 10.0), around)
    rows = enumerate(_day([5.0]).tolist())
    condenser.take([Scan(seq, START_MS + seq * 100, seq * 100_000_000, (value,), {}) for seq, value in rows])
    assert _of(accepted, Episode)
    assert condenser.shadow is None
    assert condenser.counters["shadows_refused"] == 1


def test_a_candidate_that_was_calibrated_is_armed_again_after_a_restart(tmp_path: Path) -> None:
    pipeline = _pipeline(tmp_path, active=DULL, candidate=SENSITIVE)
    _run(pipeline, _day([]))
    pipeline.finish(START_MS, 0)
    again = _pipeline(tmp_path, active=DULL, candidate=SENSITIVE).shadow
    assert again is not None
    assert again.state == "armed"


def test_without_a_candidate_health_says_nothing_of_one(tmp_path: Path) -> None:
    assert _pipeline(tmp_path, active=1.0, candidate=None).shadow is None


@pytest.mark.parametrize("state", ["calibrating", "armed"])
def test_what_health_says_of_a_candidate_keeps_the_contract(state: SensorState) -> None:
    health = ShadowHealth(model="m", state=state, agreed=3)
    assert msgspec.json.decode(msgspec.json.encode(health), type=ShadowHealth) == health
