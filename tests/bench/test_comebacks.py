"""A comeback keeps its promise or says that it did not."""

import pytest

from bench.backlog import AgentLook, Drained, Times, _delays, _percentile
from bench.comebacks import comeback
from bench.feeder import Fed
from device_agent.ledger import Entry
from twin.errors import TwinError
from twin.reckoning import Reckoning

GOOD = Drained(
    fed=Fed(24, 864_000, {"events": 60, "summaries": 40}, 10.0),
    account=Reckoning(110, 110, 0, 0, 0, 0, []),
    first_stored_s=0.5,
    drain_s=10.0,
    live=10,
    live_delay_p99_s=0.4,
    ordinary_s=0.1,
    look=AgentLook(),
)


def test_a_good_comeback_passes_and_says_how_fast() -> None:
    good = comeback("backlog_24h", GOOD)
    assert good.passed
    assert (good.backlog, good.stored_per_s) == (100, 10.0)


@pytest.mark.parametrize(
    "bad",
    [
        GOOD._replace(account=GOOD.account._replace(lost=1)),
        GOOD._replace(account=GOOD.account._replace(duplicates=1)),
        GOOD._replace(account=GOOD.account._replace(declared=1)),
        GOOD._replace(account=GOOD.account._replace(accepted=0)),
        GOOD._replace(first_stored_s=5.1),
        GOOD._replace(live_delay_p99_s=2.1),
    ],
    ids=["lost", "twice", "declared", "nothing", "slow", "late"],
)
def test_each_broken_promise_fails_it(bad: Drained) -> None:
    assert not comeback("backlog_24h", bad).passed


def test_delays_are_of_what_was_accepted_in_the_stretch() -> None:
    entries = [
        Entry(spool_id="s", lane="events", seq=n, kind="health", sample_wall_ms=0, accepted_wall_ms=1000 * n)
        for n in range(1, 6)
    ]
    stored = {("s", "events", n): 1000 * n + 100 * n for n in (2, 3, 4)}
    times = Times(link_up_ms=2000, drained_ms=4500)
    assert _delays(entries, stored, begin_ms=times.link_up_ms, end_ms=times.drained_ms) == [0.2, 0.3, 0.4]


def test_no_live_event_is_no_proof() -> None:
    with pytest.raises(TwinError, match="no live event"):
        _percentile([], 99)


def test_percentiles_are_nearest_rank() -> None:
    assert _percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.0
    assert _percentile([1.0, 2.0, 3.0, 4.0], 99) == 4.0
