import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec import encode_event
from contract.envelope import MAX_ENVELOPE_BYTES
from contract.readings import Context
from contract.traces import readings_of, steps_of
from device_agent.condense.context import ContextRing
from device_agent.condense.grid import Grid
from device_agent.condense.moment import Moment
from device_agent.condense.parts import tick_ms
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.config import ContextConfig
from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel


def _ring(
    before: int, after: int, *, channels: int = 1, resolution: float = 0.5, limit: int = 0, continuous_s: float = 0
) -> ContextRing:
    made = [Channel(name=f"c{n}", unit="V", resolution=resolution) for n in range(channels)]
    span = ContextConfig(before_scans=before, after_scans=after, max_bytes_per_hour=limit, continuous_s=continuous_s)
    return ContextRing("host", made, Grid(made), span=span, rate_hz=10.0)


def _run(ring: ContextRing, rows: list[list[float]], *, open_at: int) -> list[Context]:
    made: list[Context] = []
    for n, row in enumerate(rows):
        made += ring.push(Moment(1000 + n * 100, n * 100_000_000), np.array(row))
        if n == open_at:
            made += ring.open("gw.e1")
    return made + ring.finish()


def _decoded(contexts: list[Context], channel: str = "c0") -> list[float | None]:
    """The channel's readings over all parts, in order."""
    return [value for one in contexts if channel in one.traces for value in readings_of(one.traces[channel], one.scans)]


def _times(contexts: list[Context], channel: str = "c0") -> list[float]:
    """Their times, Unix milliseconds."""
    holding = [one for one in contexts if channel in one.traces]
    return [one.wall_ms + (offset or 0) for one in holding for offset in readings_of(one.times, one.scans)]


def test_the_scans_before_and_after_the_opening_come_back_lossless() -> None:
    (context,) = _run(_ring(4, 2), [[n * 0.5] for n in range(20)], open_at=10)
    assert _decoded([context]) == [3.5, 4.0, 4.5, 5.0, 5.5, 6.0]
    assert context.wall_ms == 1700
    assert readings_of(context.times, 6) == [0, 100, 200, 300, 400, 500]
    assert (context.scans, context.span_ms) == (6, 500)
    assert (context.episode_id, context.part, context.parts) == ("gw.e1", 1, 1)


def test_it_comes_when_the_last_scan_after_has_come() -> None:
    ring = _ring(2, 3)
    emitted = []
    for n in range(10):
        emitted.append(len(ring.push(Moment(n, n), np.array([1.0]))))
        if n == 4:
            assert not ring.open("e")
    assert emitted == [0] * 7 + [1] + [0] * 2


def test_an_opening_near_the_start_has_what_there_is() -> None:
    (context,) = _run(_ring(64, 2), [[1.0]] * 10, open_at=2)
    assert context.scans == 5


def test_at_the_end_a_waiting_context_comes_with_what_there_is() -> None:
    (context,) = _run(_ring(3, 50), [[1.0]] * 10, open_at=8)
    assert context.scans == 4


def test_gaps_are_gaps() -> None:
    (context,) = _run(_ring(5, 0), [[math.nan], [1.0], [math.nan], [2.0], [1.5]], open_at=4)
    assert steps_of(context.traces["c0"], 5) == [None, 2, None, 4, 3]


def test_no_span_is_no_context() -> None:
    assert not _run(_ring(0, 0), [[1.0]] * 10, open_at=5)


def test_many_channels_and_a_long_span_are_cut_into_parts_that_fit_and_are_whole() -> None:
    random = np.random.default_rng(1)
    rows = np.rint(random.normal(0, 1e6, (900, 64)) * 1000) / 1000
    made = _run(_ring(500, 300, channels=64, resolution=0.001), rows.tolist(), open_at=550)
    assert len(made) > 1
    assert [(c.part, c.parts) for c in made] == [(n + 1, len(made)) for n in range(len(made))]
    assert max(len(encode_event(c)) for c in made) <= MAX_EVENT_BYTES
    for n in range(64):
        assert _decoded(made, f"c{n}") == pytest.approx(rows[51:851, n], abs=1e-9)
        assert _times(made, f"c{n}") == [1000 + 100 * row for row in range(51, 851)]


def test_an_envelope_with_more_room_is_filled() -> None:
    channels = [Channel(name="c0", resolution=1.0)]
    ring = ContextRing(
        "host", channels, Grid(channels), span=ContextConfig(before_scans=4000), rate_hz=10, envelope_bytes=5120
    )
    noise = np.rint(np.random.default_rng(2).normal(0, 1e6, 4000))
    for n, value in enumerate(noise):
        ring.push(Moment(n, n * 100_000_000), np.array([value]))
    assert not ring.open("e")
    sizes = [len(encode_event(context)) for context in ring.finish()]
    assert 4600 < max(sizes) <= 5120 - 296


def test_each_part_says_where_in_time_it_lies_by_both_clocks() -> None:
    made = _run(_ring(1000, 600), [[float(n * n % 997)] for n in range(3000)], open_at=1500)
    assert len(made) == 1 or {c.wall_ms - c.monotonic_ms for c in made} == {1000}
    assert [c.span_ms for c in made] == [100 * (c.scans - 1) for c in made]


def test_a_span_beyond_the_bytes_of_the_hour_is_halved_about_the_opening_and_counted() -> None:
    ring = _ring(1000, 600, limit=3000)
    made = _run(ring, [[float(n % 7) * 1e6] for n in range(3000)], open_at=1500)
    opening = 1000 + 1500 * 100
    assert ring.shortened > 0
    assert _times(made)[0] < opening < _times(made)[-1]
    assert sum(len(encode_event(c)) for c in made) <= 3000


def test_what_an_hour_does_not_allow_is_refused_until_the_next_and_counted() -> None:
    ring = _ring(4, 0, limit=300)
    for n in range(10):
        ring.push(Moment(n, n), np.array([1.0]))
    assert ring.open("first")
    assert not ring.open("second")
    assert (ring.refused, ring.shortened > 0) == (1, True)
    for n in range(4):
        ring.push(Moment(4_000_000 + n, 4_000_000_000_000 + n), np.array([1.0]))
    assert ring.open("third")


def test_where_everything_is_wanted_every_scan_comes_once_and_in_order() -> None:
    ring = _ring(5, 5, continuous_s=1.5)
    made = _run(ring, [[n * 0.5] for n in range(100)], open_at=50)
    everything = [one for one in made if not one.episode_id]
    assert _decoded(everything) == [n * 0.5 for n in range(100)]
    assert _times(everything) == [1000.0 + 100 * n for n in range(100)]
    assert _decoded([one for one in made if one.episode_id]) == [n * 0.5 for n in range(46, 56)]


def test_a_span_that_would_take_too_much_memory_is_refused_with_what_fits() -> None:
    channels = [Channel(name=f"c{n}") for n in range(64)]
    span = ContextConfig(before_s=600)
    with pytest.raises(ConfigError, match="64 channels") as refused:
        ContextRing("host", channels, Grid(channels), span=span, rate_hz=1000)
    assert "125000 scans" in refused.value.remedy


@pytest.mark.parametrize("before", [1, 2])
def test_a_channel_that_never_fits_is_dropped_and_counted(before: int) -> None:
    channels = [Channel(name="x" * 5000), Channel(name="y")]
    span = ContextConfig(before_scans=before, after_scans=1)
    ring = ContextRing("host", channels, Grid(channels), span=span, rate_hz=10)
    (context,) = _run(ring, [[1.0, 2.0]] * 5, open_at=2)
    assert list(context.traces) == ["y"]
    assert ring.dropped == 1


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=300), st.sampled_from([0.1, 10.0, 100.0, 3200.0]))
def test_times_are_true_to_a_tick_and_never_fall(gaps_ns: list[int], rate_hz: float) -> None:
    channel = Channel(name="c0")
    span = ContextConfig(before_scans=400, after_scans=0)
    ring = ContextRing("host", [channel], Grid([channel]), span=span, rate_hz=rate_hz)
    at_ns = np.cumsum(gaps_ns).tolist()
    for ns in at_ns:
        ring.push(Moment(5 + ns // 1_000_000, ns), np.array([1.0]))
    times = _times(ring.open("e"))
    expected = [5 + at_ns[0] // 1_000_000 + (ns - at_ns[0]) / 1e6 for ns in at_ns]
    assert times == pytest.approx(expected, abs=tick_ms(rate_hz) / 2 + 1e-6)
    assert times == sorted(times)


@given(
    st.lists(st.one_of(st.just(math.nan), st.integers(-(2**50), 2**50).map(float)), min_size=1, max_size=60),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_whatever_the_readings_it_fits_and_decodes(values: list[float], before: int, after: int) -> None:
    ring = _ring(before, after, resolution=1.0)
    made = _run(ring, [[value] for value in values], open_at=len(values) // 2)
    assert all(len(encode_event(context)) <= MAX_EVENT_BYTES for context in made)
    if made:
        decoded = _decoded(made)
        first = (made[0].wall_ms - 1000) // 100
        expected = values[first : first + len(decoded)]
        assert decoded == [None if math.isnan(value) else value for value in expected]


@pytest.mark.parametrize(("rate_hz", "seconds"), [(10.0, 30.0), (1000.0, 5.0)])
def test_everything_of_eight_noisy_channels_takes_three_and_a_half_bytes_a_reading(
    rate_hz: float, seconds: float
) -> None:
    channels = [Channel(name=f"channel_{n}", unit="mV", resolution=0.001) for n in range(8)]
    span = ContextConfig(before_scans=0, after_scans=0, continuous_s=seconds)
    ring = ContextRing(
        "machine", channels, Grid(channels), span=span, rate_hz=rate_hz, envelope_bytes=MAX_ENVELOPE_BYTES
    )
    random, scans = np.random.default_rng(6), round(rate_hz * seconds * 10)
    times_ns = (np.arange(scans) * 1e9 / rate_hz + random.uniform(0, 150_000, scans)).astype(int).tolist()
    noise = random.normal(0, 1, (scans, 8))
    made = [
        context for ns, row in zip(times_ns, noise, strict=True) for context in ring.push(Moment(ns // 10**6, ns), row)
    ]
    assert sum(context.scans for context in made) == scans
    around = 300  # of an envelope
    assert sum(len(encode_event(context)) + around for context in made) / noise.size <= 3.5
