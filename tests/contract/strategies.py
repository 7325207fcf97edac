"""Hypothesis strategies for everything the contract can say."""

from hypothesis import strategies as st
from msgspec import Raw

from contract.codec import encode_event
from contract.envelope import Declared, Envelope, Range, Stored
from contract.events import LANES, Disagreement, Drift, Episode
from contract.health import Health, SensorHealth
from contract.readings import ChannelSummary, Context, Summary
from contract.traces import Trace

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)
identifiers = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
counts = st.integers(0, 2**53)
times = st.integers(0, 2**53)
numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe_numbers = st.none() | numbers
states = st.sampled_from(["calibrating", "armed", "failed"])
moments = {"wall_ms": times, "monotonic_ms": times}

episodes = st.builds(
    Episode,
    **moments,
    episode_id=names,
    sensor=names,
    phase=st.sampled_from(["opened", "updated", "closed"]),
    onset_wall_ms=times,
    duration_ms=times,
    score=numbers,
    peak_score=numbers,
    peak_wall_ms=times,
    top_channel=names,
    contributions=st.dictionaries(names, numbers, max_size=4),
    reason=names,
    rule=st.just("") | names,
    severity=st.sampled_from(["", "minor", "major", "critical"]),
    model=names,
    quality=st.sampled_from(["good", "gaps"]),
)
channel_summaries = st.builds(
    ChannelSummary,
    unit=names,
    count=counts,
    gaps=counts,
    mean=maybe_numbers,
    min=maybe_numbers,
    max=maybe_numbers,
    std=maybe_numbers,
)
summaries = st.builds(
    Summary,
    **moments,
    sensor=names,
    start_wall_ms=times,
    scans=counts,
    state=states,
    channels=st.dictionaries(names, channel_summaries, max_size=4),
    windows=counts,
    max_score=maybe_numbers,
)
healths = st.builds(
    Health,
    **moments,
    version=names,
    uptime_ms=times,
    interval_ms=times,
    sensors=st.dictionaries(
        names,
        st.builds(SensorHealth, state=states, rate_hz=numbers, scans=counts, shed=counts, last_gap=st.none() | names),
        max_size=3,
    ),
    spool_pending=st.dictionaries(st.sampled_from(LANES), counts),
    counters=st.dictionaries(names, counts, max_size=3),
)
traces = st.builds(
    Trace,
    unit=names,
    resolution=numbers,
    packed=names,
    base=st.integers(-(2**51), 2**51),
    slope=st.integers(-(2**51), 2**51),
)
contexts = st.builds(
    Context,
    **moments,
    episode_id=names,
    sensor=names,
    scans=counts,
    span_ms=times,
    times=traces,
    traces=st.dictionaries(names, traces, max_size=3),
    part=st.integers(1, 9),
    parts=st.integers(1, 9),
)
drifts = st.builds(
    Drift,
    **moments,
    sensor=names,
    phase=st.sampled_from(["began", "ended"]),
    of=st.sampled_from(["level", "spread", "score"]),
    channel=st.just("") | names,
    before=numbers,
    now=numbers,
    steps=numbers,
    windows=counts,
    reason=names,
)
disagreements = st.builds(
    Disagreement,
    **moments,
    sensor=names,
    only=st.sampled_from(["active", "candidate"]),
    start_wall_ms=times,
    duration_ms=times,
    ended=st.booleans(),
    active_score=numbers,
    candidate_score=numbers,
    top_channel=names,
    model=names,
    candidate=names,
)
events = st.one_of(episodes, summaries, healths, contexts, drifts, disagreements)
envelopes = st.builds(
    Envelope,
    gateway_id=identifiers,
    spool_id=identifiers,
    boot_id=identifiers,
    lane=st.sampled_from(LANES),
    first_seq=st.integers(1, 2**53),
    events=st.lists(events.map(lambda event: Raw(encode_event(event))), max_size=5),
    declared=st.lists(st.builds(Declared, first=counts, last=counts, reason=names), max_size=2),
)
stored = st.builds(
    Stored,
    spool_id=identifiers,
    lane=st.sampled_from(LANES),
    through=counts,
    missing=st.lists(st.builds(Range, first=counts, last=counts), max_size=3),
)
