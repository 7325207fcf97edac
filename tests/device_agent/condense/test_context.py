import math
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec import encode_event
from contract.events import Context, Trace
from device_agent.condense.context import ContextRing
from device_agent.condense.grid import Grid
from device_agent.condense.moment import Moment
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.config import ContextConfig
from device_agent.sensors.port import Channel


def _ring(before: int, after: int, *, channels: int = 1, resolution: float = 0.5) -> ContextRing:
    made = [Channel(name=f"c{n}", unit="V", resolution=resolution) for n in range(channels)]
    span = ContextConfig(before_scans=before, after_scans=after)
    return ContextRing("host", made, Grid(made), span=span)


def _run(ring: ContextRing, rows: list[list[float]], *, open_at: int) -> list[Context]:
    made: list[Context] = []
    for n, row in enumerate(rows):
        made += ring.push(Moment(1000 + n * 100, n * 100_000_000), np.array(row))
        if n == open_at:
            made += ring.open("gw.e1")
    return made + ring.finish()


def _decoded(trace: Trace) -> list[float | None]:
    known = iter(accumulate(step for step in trace.steps if step is not None))
    return [None if step is None else next(known) * trace.resolution for step in trace.steps]


def test_the_scans_before_and_after_the_opening_come_back_lossless() -> None:
    (context,) = _run(_ring(4, 2), [[n * 0.5] for n in range(20)], open_at=10)
    assert _decoded(context.traces["c0"]) == [3.5, 4.0, 4.5, 5.0, 5.5, 6.0]
    assert context.wall_ms == 1700
    assert context.offsets_ms == [0, 100, 200, 300, 400, 500]
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
    assert len(context.offsets_ms) == 5


def test_at_the_end_a_waiting_context_comes_with_what_there_is() -> None:
    (context,) = _run(_ring(3, 50), [[1.0]] * 10, open_at=8)
    assert len(context.offsets_ms) == 4


def test_gaps_are_gaps() -> None:
    (context,) = _run(_ring(5, 0), [[math.nan], [1.0], [math.nan], [2.0], [1.5]], open_at=4)
    assert context.traces["c0"].steps == [None, 2, None, 2, -1]


def test_no_span_is_no_context() -> None:
    assert not _run(_ring(0, 0), [[1.0]] * 10, open_at=5)


def test_many_channels_are_spread_over_parts_that_fit() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(0, 1e6, (200, 16)).tolist()
    made = _run(_ring(64, 32, channels=16, resolution=0.001), rows, open_at=100)
    assert len(made) > 1
    assert [(c.part, c.parts) for c in made] == [(n + 1, len(made)) for n in range(len(made))]
    assert max(len(encode_event(c)) for c in made) <= MAX_EVENT_BYTES
    assert [name for c in made for name in c.traces] == [f"c{n}" for n in range(16)]


def test_a_span_too_long_for_one_event_is_halved_about_the_opening_and_counted() -> None:
    ring = _ring(1000, 600)
    (context,) = _run(ring, [[float(n % 2) * 1e6] for n in range(3000)], open_at=1500)
    assert ring.halved > 0
    opening = 1000 + 1500 * 100
    assert context.wall_ms < opening < context.wall_ms + context.offsets_ms[-1]
    assert len(encode_event(context)) <= MAX_EVENT_BYTES


@pytest.mark.parametrize("before", [0, 1])
def test_a_channel_that_never_fits_is_dropped_and_counted(before: int) -> None:
    channel = Channel(name="x" * 5000)
    span = ContextConfig(before_scans=before, after_scans=1)
    ring = ContextRing("host", [channel], Grid([channel]), span=span)
    assert not _run(ring, [[1.0]] * 5, open_at=2)
    assert ring.dropped == 1


@given(
    st.lists(st.one_of(st.just(math.nan), st.integers(-(2**50), 2**50).map(float)), min_size=1, max_size=60),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_whatever_the_readings_it_fits_and_decodes(values: list[float], before: int, after: int) -> None:
    ring = _ring(before, after, resolution=1.0)
    for context in _run(ring, [[value] for value in values], open_at=len(values) // 2):
        assert len(encode_event(context)) <= MAX_EVENT_BYTES
        decoded = _decoded(context.traces["c0"])
        first = (context.wall_ms - 1000) // 100
        expected = values[first : first + len(decoded)]
        assert decoded == [None if math.isnan(value) else value for value in expected]
