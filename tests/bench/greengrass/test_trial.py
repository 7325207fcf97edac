"""What was accepted is every sequence number that the spool gave out, whatever became of it."""

from bench.greengrass.sets import GATEWAY, SPLIT
from bench.greengrass.trial import given_out
from device_agent.spool.overview import LaneOverview, Overview
from twin.reckoning import Block, reckon


def lane(*, stored: int, pending: int) -> LaneOverview:
    return LaneOverview(
        events=pending, event_bytes=0, oldest_age_h=None, pending=pending, stored=stored, declared=0, quarantined=0
    )


def test_what_the_spool_forgot_counts_as_accepted_and_must_be_in_the_table() -> None:
    lanes = {"events": lane(stored=2, pending=1), "summaries": lane(stored=0, pending=0)}
    found = Overview(spool_id="s", damage=None, lanes=lanes, counters={}, set_aside=[])
    block = Block(gateway_id="g", spool_id="s", lane="events", first_seq=1, held=[True], stored_ms=1)

    account = reckon(given_out(found), [block])

    assert (account.accepted, account.stored, account.lost) == (3, 1, 2)


def test_every_component_with_a_document_gets_it_and_no_other() -> None:
    assert set(GATEWAY.configured({"health_s": 1})) == {"io.thresher.Gateway"}
    assert set(SPLIT.configured({})) == {f"io.thresher.{each}" for each in SPLIT.components[:3]}
