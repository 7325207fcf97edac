import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.codec import decode_event, encode_event
from contract.events import Drift, Episode
from contract.feedback import Feedback, Threshold
from contract.kinds import AnyEvent
from contract.readings import Context, Report, Summary
from contract.traces import readings_of
from device_agent.condense.notes import MemoryNotes
from device_agent.config import ContextConfig, DriftConfig, FilterConfig, GatewayConfig
from device_agent.feedback.store import MemoryFeedback
from device_agent.feedback.view import FeedbackView
from device_agent.filters.model import LevelModel
from device_agent.filters.store import MemoryCalibrations
from device_agent.identity import Identity
from device_agent.pipeline import SensorPipeline
from device_agent.sensor_memory import Memory
from device_agent.sensors.drivers import HostSensor
from device_agent.sensors.port import Channel, Scan
from device_agent.sensors.scan_block import ScanBlock
from device_agent.sensors.treatment import ReportConfig, Treatment

CHANNELS = (
    Channel(name="cpu_percent", unit="%", resolution=0.1, floor=10, low=0, high=100, alarm_on="rise"),
    Channel(name="temperature_celsius", unit="°C", resolution=0.01, floor=0.5),
)
IDENTITY = Identity("gw", "b" * 32)
MODEL = LevelModel.load(None, len(CHANNELS))
START_MS = 1_700_000_000_000


def _config(state_dir: str = "/nonexistent") -> GatewayConfig:
    return GatewayConfig(
        gateway="gw",
        state_dir=state_dir,
        sensors=[HostSensor(name="host")],
        filter=FilterConfig(calibration_scans=128),
        context=ContextConfig(before_scans=16, after_scans=8),
        drift=DriftConfig(patience_windows=12),
        summary_s=10.0,
    )


def _pipeline() -> SensorPipeline:
    memory = Memory(MemoryCalibrations(), MemoryNotes())
    return SensorPipeline("host", CHANNELS, 10.0, _config(), IDENTITY, MODEL, memory=memory)


def _scan(seq: int, values: Sequence[float], *, wall_jump_ms: int = 0) -> Scan:
    return Scan(seq, START_MS + seq * 100 + wall_jump_ms, seq * 100_000_000, tuple(values), {})


def _day(*, fault: bool = True) -> list[list[float]]:
    """60 s at 10 Hz, with ten seconds of a burn from the 30th on."""
    random = np.random.default_rng(5)
    rows = np.column_stack([random.uniform(5, 35, 600), random.normal(40, 0.1, 600)])
    if fault:
        rows[300:400, 0] = 99
    return rows.tolist()


def _run(pipeline: SensorPipeline, rows: list[list[float]], *, wall_jump_ms: int = 0) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    for seq, row in enumerate(rows):
        jump = wall_jump_ms if seq >= 350 else 0
        events += pipeline.push(_scan(seq, row, wall_jump_ms=jump))
    return events + pipeline.finish(START_MS + len(rows) * 100, len(rows) * 100_000_000)


def _episodes(events: list[AnyEvent]) -> list[Episode]:
    return [event for event in events if isinstance(event, Episode)]


def test_a_burn_opens_one_episode_in_time_and_it_closes_after() -> None:
    episodes = _episodes(_run(_pipeline(), _day()))
    assert [e.phase for e in episodes if e.phase != "updated"] == ["opened", "closed"]
    opened, closed = episodes[0], episodes[-1]
    assert START_MS + 30_000 <= opened.wall_ms <= START_MS + 37_000
    assert START_MS + 40_000 <= closed.wall_ms <= START_MS + 52_000
    assert {e.top_channel for e in episodes} == {"cpu_percent"}


def test_an_ordinary_day_has_summaries_and_nothing_else() -> None:
    events = _run(_pipeline(), _day(fault=False))
    assert {type(event) for event in events} == {Summary}
    assert [event.scans for event in events if isinstance(event, Summary)] == [100] * 6


def _load(percent: Sequence[float], *, seed: int) -> list[list[float]]:
    """Ten seconds of each load, with the noise of a two-core machine's ticks read ten times a second."""
    random = np.random.default_rng(seed)
    busy = random.binomial(20, np.repeat(np.array(percent) / 100, 100)) * 5.0
    return [[value, 40.0] for value in busy.tolist()]


@pytest.mark.parametrize("seed", range(5))
def test_ordinary_swings_of_the_load_open_no_episode(seed: int) -> None:
    rows = _load([20, 20, 20, *([50, 50, 20, 35, 20] * 20)], seed=seed)
    assert not _episodes(_run(_pipeline(), rows))


@pytest.mark.parametrize("usual", [0, 20, 50, 70])
def test_a_burn_of_all_cores_is_found_whatever_the_usual_load(usual: int) -> None:
    episodes = _episodes(_run(_pipeline(), _load([usual] * 3 + [100] * 2 + [usual] * 3, seed=1)))
    assert (episodes[0].phase, episodes[-1].phase) == ("opened", "closed")
    assert episodes[0].wall_ms <= START_MS + 40_000
    assert START_MS + 50_000 <= episodes[-1].wall_ms <= START_MS + 70_000
    assert len({episode.episode_id for episode in episodes}) == 1


def test_a_program_that_starts_is_no_episode() -> None:
    rows = _load([10] * 6, seed=2)
    for start in (200, 300, 400):
        rows[start : start + 20] = [[100.0, 40.0]] * 20
    assert not _episodes(_run(_pipeline(), rows))


def test_the_raw_scans_about_the_opening_travel_with_it() -> None:
    events = _run(_pipeline(), _day())
    contexts = [event for event in events if isinstance(event, Context)]
    opened = _episodes(events)[0]
    assert {context.episode_id for context in contexts} == {opened.episode_id}
    assert contexts[0].wall_ms == opened.wall_ms - 15 * 100
    assert contexts[0].scans == 24


def test_what_cleaning_took_out_is_flagged_in_the_summary_beside_what_was_never_read() -> None:
    pipeline, events = _pipeline(), list[AnyEvent]()
    reasons = {3: "spike: 9, usual 1", 4: "spike: 9, usual 1", 5: "below range: -1 < 0", 6: "no answer"}
    for seq in range(8):
        gaps = {"cpu_percent": reasons[seq]} if seq in reasons else {}
        values = (math.nan if gaps else 10.0, 40.0)
        events += pipeline.push(Scan(seq, START_MS + seq * 100, seq * 100_000_000, values, gaps))
    (summary,) = (event for event in pipeline.finish(START_MS + 800, 800_000_000) if isinstance(event, Summary))
    cpu = summary.channels["cpu_percent"]
    assert (cpu.count, cpu.gaps, cpu.flags) == (4, 4, {"spike": 2, "below_range": 1})
    assert not summary.channels["temperature_celsius"].flags


def test_a_channel_that_reports_says_its_exceptions_beside_its_summaries() -> None:
    report = Treatment(report=ReportConfig(mode="absolute", width=30.0))
    channels = (msgspec.structs.replace(CHANNELS[0], treatment=report), CHANNELS[1])
    memory = Memory(MemoryCalibrations(), MemoryNotes())
    pipeline = SensorPipeline("host", channels, 10.0, _config(), IDENTITY, MODEL, memory=memory)
    events = _run(pipeline, _day())
    reports = [event for event in events if isinstance(event, Report)]
    told = [one for report in reports for name, one in report.channels.items() if name == "cpu_percent"]
    assert sum(one.readings for one in told) < 20
    assert any(99 in readings_of(one.values, one.readings) for one in told)


def test_a_step_of_the_wall_clock_makes_no_event_and_moves_no_boundary() -> None:
    plain = _run(_pipeline(), _day())
    for jump in (3_600_000, -3_600_000):
        stepped = _run(_pipeline(), _day(), wall_jump_ms=jump)
        assert [(type(e), e.monotonic_ms) for e in stepped] == [(type(e), e.monotonic_ms) for e in plain]
        assert [e.duration_ms for e in _episodes(stepped)] == [e.duration_ms for e in _episodes(plain)]


def test_the_same_scans_give_the_same_events() -> None:
    assert _run(_pipeline(), _day()) == _run(_pipeline(), _day())


def test_what_came_out_depends_on_no_later_scan() -> None:
    rows = _day()
    whole, part = _pipeline(), _pipeline()
    first = [event for seq, row in enumerate(rows) for event in whole.push(_scan(seq, row))]
    second = [event for seq, row in enumerate(rows[:350]) for event in part.push(_scan(seq, row))]
    assert first[: len(second)] == second


def test_it_is_calibrating_then_armed_and_counts_windows() -> None:
    pipeline, rows = _pipeline(), _day(fault=False)
    states = []
    for seq, row in enumerate(rows):
        pipeline.push(_scan(seq, row))
        states.append(pipeline.state)
    assert states.index("armed") == 127
    assert pipeline.windows == (600 - 128) // 4


def test_a_sensor_that_says_nothing_for_five_seconds_has_failed_until_it_speaks() -> None:
    pipeline = _pipeline()
    for seq in range(60):
        pipeline.push(_scan(seq, [math.nan, math.nan]))
        assert pipeline.state == ("failed" if seq >= 50 else "calibrating")
    pipeline.push(_scan(60, [1.0, math.nan]))
    assert pipeline.state == "calibrating"


def test_missed_deadlines_are_gaps_in_the_window() -> None:
    pipeline, rows = _pipeline(), _day(fault=False)
    for seq, row in enumerate(rows[:200]):
        pipeline.push(_scan(seq, row))
    for seq in range(1200, 1232):
        pipeline.push(_scan(seq, rows[200]))
    assert pipeline.counters["unscored_windows"] == 7


def test_a_change_too_slow_for_an_episode_is_told_as_a_drift() -> None:
    random = np.random.default_rng(5)
    rows = np.column_stack([random.uniform(5, 35, 9000), random.normal(40, 0.1, 9000)])
    rows[2000:, 1] += np.linspace(0, 6, 7000)
    pipeline = _pipeline()
    events = _run(pipeline, rows.tolist())
    assert not _episodes(events)
    drifts = [event for event in events if isinstance(event, Drift)]
    assert [(drift.phase, drift.of, drift.channel) for drift in drifts] == [("began", "level", "temperature_celsius")]
    assert pipeline.drifting == ["level of temperature_celsius"]


def test_raw_bytes_are_those_of_compact_json_rows() -> None:
    pipeline = _pipeline()
    pipeline.push(_scan(0, [12.34, math.nan]))
    pipeline.push(_scan(1, [12.0, 40.125]))
    assert pipeline.raw_bytes == len(b"[1700000000000,12.3,null]") + len(b"[1700000000100,12.0,40.12]")


def test_a_restart_is_armed_at_once(tmp_path: Path) -> None:
    config = _config(str(tmp_path))
    first = SensorPipeline("host", CHANNELS, 10.0, config, IDENTITY, MODEL)
    _run(first, _day(fault=False))
    second = SensorPipeline("host", CHANNELS, 10.0, config, IDENTITY, MODEL)
    assert second.state == "armed"
    assert [e.phase for e in _episodes(_run(second, _day()))][:1] == ["opened"]


def test_an_episode_that_was_open_at_a_restart_closes_in_the_next_process(tmp_path: Path) -> None:
    config, rows = _config(str(tmp_path)), _day()
    first = SensorPipeline("host", CHANNELS, 10.0, config, IDENTITY, MODEL)
    events = _run(first, rows[:380])
    second = SensorPipeline("host", CHANNELS, 10.0, config, IDENTITY, MODEL)
    for seq, row in enumerate(rows[380:], start=380):
        events += second.push(_scan(seq, row))
    episodes = _episodes(events)
    assert len({episode.episode_id for episode in episodes}) == 1
    assert (episodes[0].phase, episodes[-1].phase) == ("opened", "closed")


WILD = st.one_of(
    st.floats(),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 0.0, 1e30, 42.0]),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(WILD, min_size=2, max_size=2), min_size=1, max_size=12),
    st.integers(1, 40),
    st.lists(st.integers(-3, 100), max_size=5),
)
def test_whatever_the_readings_nothing_breaks_and_every_event_keeps_the_contract(
    rows: list[list[float]], repeat: int, jumps: list[int]
) -> None:
    pipeline, seq, scans = _pipeline(), 0, 0
    events: list[AnyEvent] = []
    for n in range(len(rows) * repeat):
        seq += 1 + (jumps[n % len(jumps)] if jumps and n % 17 == 0 else 0)
        scans += 1
        events += pipeline.push(_scan(scans, rows[n % len(rows)])._replace(seq=seq))
    events += pipeline.finish(START_MS + scans * 100 + 100, (scans + 1) * 100_000_000)
    assert sum(event.scans for event in events if isinstance(event, Summary)) == scans
    wild = sum(math.isinf(value) or abs(value) > 1e30 for row in rows for value in row)
    assert pipeline.counters["unrepresentable"] >= wild * repeat
    for event in events:
        raw = encode_event(event)
        assert decode_event(raw) == event
        assert len(raw) <= 4000


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 2.0, 3.0)])
def test_a_scan_of_the_wrong_length_is_a_counted_gap(values: tuple[float, ...]) -> None:
    pipeline = _pipeline()
    pipeline.push(_scan(0, values))
    assert pipeline.counters["unrepresentable"] == 2


def _heeding(factor: float) -> SensorPipeline:
    raised = Threshold(sensor="host", channel="temperature_celsius", factor=factor, since_ms=START_MS)
    view = FeedbackView(MemoryFeedback(Feedback(version=1, made_ms=START_MS, thresholds=[raised])))
    memory = Memory(MemoryCalibrations(), MemoryNotes())
    return SensorPipeline("host", CHANNELS, 10.0, _config(), IDENTITY, MODEL, memory=memory, feedback=view)


def _warm(celsius: float) -> list[list[float]]:
    random = np.random.default_rng(5)
    rows = np.column_stack([random.uniform(5, 35, 600), random.normal(40, 0.1, 600)])
    rows[300:400, 1] += celsius
    return rows.tolist()


def test_what_people_called_no_fault_is_no_episode_and_what_is_beyond_it_still_is() -> None:
    usual = _episodes(_run(_pipeline(), _warm(3.0)))
    assert 1.0 < usual[-1].peak_score < 2.0
    assert not _episodes(_run(_heeding(2.0), _warm(3.0)))
    beyond = _episodes(_run(_heeding(1.2), _warm(4.0)))
    assert {episode.raised for episode in beyond} == {1.2}


def test_a_raised_threshold_does_not_teach_the_filter_that_a_fault_is_normal() -> None:
    quiet, loud = _heeding(2.0), _pipeline()
    _run(quiet, _warm(3.0))
    _run(loud, _warm(3.0))
    assert quiet._judging._gate.calibration == loud._judging._gate.calibration


def _as_block(seq: int, rows: np.ndarray) -> ScanBlock:
    first = _scan(seq, ())
    times_ns = first.monotonic_ns + np.arange(len(rows)) * 100_000_000
    return ScanBlock(seq, first.wall_ms, times_ns, rows, {}, {})


def _by_kind(events: list[AnyEvent]) -> dict[str, list[AnyEvent]]:
    made: dict[str, list[AnyEvent]] = {}
    for event in events:
        made.setdefault(type(event).__name__, []).append(event)
    return made


@settings(max_examples=8, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 170), min_size=1, max_size=8),
    holes=st.lists(st.integers(0, 90), min_size=1, max_size=8),
    gaps=st.floats(0, 0.3),
    hop=st.sampled_from([1, 4, 7]),
)
def test_blocks_make_the_events_that_their_scans_make(
    lengths: list[int], holes: list[int], gaps: float, hop: int
) -> None:
    random, rows = np.random.default_rng(3), np.array(_day())
    rows[random.uniform(size=rows.shape) < gaps] = np.nan
    config = _config()
    config = msgspec.structs.replace(config, filter=msgspec.structs.replace(config.filter, hop_scans=hop))
    memories = [Memory(MemoryCalibrations(), MemoryNotes()) for _ in range(2)]
    one, many = (SensorPipeline("host", CHANNELS, 10.0, config, IDENTITY, MODEL, memory=kept) for kept in memories)
    singly, at_once = list[AnyEvent](), list[AnyEvent]()
    seq = taken = number = 0
    while taken < len(rows):
        part = rows[taken : taken + lengths[number % len(lengths)]]
        at_once += many.push_block(_as_block(seq, part))
        singly += [event for n, row in enumerate(part) for event in one.push(_scan(seq + n, row.tolist()))]
        taken, seq = taken + len(part), seq + len(part) + holes[number % len(holes)]
        number += 1
    end = START_MS + seq * 100, seq * 100_000_000
    assert _by_kind(at_once + many.finish(*end)) == _by_kind(singly + one.finish(*end))
    assert many.raw_bytes == one.raw_bytes
    assert many.counters == one.counters
    assert (many.state, many.windows, many.drifting) == (one.state, one.windows, one.drifting)
    assert _calibrated(many) == _calibrated(one)


def _calibrated(pipeline: SensorPipeline) -> object:
    kept = pipeline._judging._gate.calibration  # type: ignore[union-attr]
    return kept and msgspec.to_builtins(kept)


def test_a_block_is_a_gap_of_its_sensor_where_it_says_so_for_as_long() -> None:
    pipeline = _pipeline()
    pipeline.push_block(_as_block(0, np.full((40, 2), 20.0)))
    pipeline.push_block(_as_block(40, np.full((40, 2), np.nan)))
    assert pipeline.state == "calibrating"
    pipeline.push_block(_as_block(80, np.full((15, 2), np.nan)))
    assert pipeline.state == "failed"
    pipeline.push_block(_as_block(95, np.array([[1.0, np.nan], [np.nan, np.nan]])))
    assert pipeline.state == "calibrating"
