"""Stages that take neighbouring scans at once say what they would say scan by scan."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.kinds import AnyEvent
from device_agent.condense.context import ContextRing
from device_agent.condense.grid import Array, Grid
from device_agent.condense.moment import Moment
from device_agent.condense.reports import Reports
from device_agent.condense.ring import Frozen
from device_agent.condense.summaries import SummaryWindows
from device_agent.config import ContextConfig
from device_agent.sensors.port import Channel
from device_agent.sensors.treatment import ReportConfig, Treatment

MS = 1_000_000
REPORT = Treatment(report=ReportConfig(mode="absolute", width=1.0, max_wait_s=0.05))
CHANNELS = [Channel(name="a", unit="V", treatment=REPORT), Channel(name="b", unit="V")]


class Stages:
    """All of one sensor."""

    def __init__(self, span: ContextConfig) -> None:
        grid = Grid(CHANNELS)
        self.context = ContextRing("s", CHANNELS, grid, span=span, rate_hz=1000)
        self.reports = Reports("s", CHANNELS, 1000)
        self.summaries = SummaryWindows("s", CHANNELS, grid, summary_s=0.07)

    def push(self, at: Moment, values: Array) -> list[AnyEvent]:
        closed = self.summaries.close("armed") if self.summaries.due(at.monotonic_ns) else []
        self.summaries.add(at, values)
        return [*closed, *self.context.push(at, values), *self.reports.push(at, values)]

    def push_block(self, scans: Frozen) -> list[AnyEvent]:
        closed = self.summaries.add_block(scans, "armed")
        return [*closed, *self.context.push_block(scans), *self.reports.push_block(scans)]

    def finish(self) -> list[AnyEvent]:
        return [*self.summaries.close("armed"), *self.context.finish(), *self.reports.finish()]


def _by_kind(events: list[AnyEvent]) -> dict[str, list[AnyEvent]]:
    made: dict[str, list[AnyEvent]] = {}
    for event in events:
        made.setdefault(type(event).__name__, []).append(event)
    return made


@given(
    st.lists(st.integers(1, 90), min_size=1, max_size=8),
    st.integers(0, 7),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
    st.sampled_from([0.0, 0.013, 0.2]),
)
@settings(max_examples=60)
def test_blocks_make_the_events_that_scans_make(
    blocks: list[int], opened: int, around: tuple[int, int], continuous_s: float
) -> None:
    span = ContextConfig(before_scans=around[0], after_scans=around[1], continuous_s=continuous_s)
    scans, random = sum(blocks), np.random.default_rng(7)
    values = np.round(random.normal(0, 2, (scans, 2)), 3)
    values[random.uniform(size=values.shape) < 0.1] = np.nan
    first, ns = Moment(9_000, 5 * MS), 5 * MS + np.arange(scans) * MS
    one, many = Stages(span), Stages(span)
    singly, at_once, row = list[AnyEvent](), list[AnyEvent](), 0
    for number, length in enumerate(blocks):
        part = Frozen(first, ns, values).part(slice(row, row + length))
        at_once += many.push_block(part)
        for at, scan in zip(part.monotonic_ns.tolist(), part.values, strict=True):
            singly += one.push(first.shifted_to(at), scan)
        if number == opened:
            at_once += many.context.open("e")
            singly += one.context.open("e")
        row += length
    assert _by_kind(at_once + many.finish()) == _by_kind(singly + one.finish())
