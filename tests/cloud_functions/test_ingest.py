import base64
import json
import random
from collections.abc import Sequence
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cloud_functions.adapters.memory import MemoryNotifier, MemoryReplies, MemoryTable
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.keys import SHARDS, shard
from cloud_functions.core.notify import Notify
from cloud_functions.core.people import Alert
from cloud_functions.core.ports import AnyRow, Span, Table
from cloud_functions.core.receive import Record
from cloud_functions.core.rows import Block, Counter, EpisodeRow, GatewayRow, LossRow, Quarantine, Row, WatermarkRow
from cloud_functions.core.shape import Retention
from contract.codec import encode_envelope
from contract.envelope import Declared, Stored
from tests.cloud_functions.make import NOW_MS, Clock, envelope, episode, health, loss, record, summary
from tests.cloud_functions.unreliable import Fuse, UnreliableReplies, UnreliableTable

Kind = TypeVar("Kind")
SETTINGS = Settings(interval_ms=0, retention=Retention(block_days=30, episode_days=400))


def ingest(table: Table, records: Sequence[Record], replies: MemoryReplies | None = None) -> dict[str, int]:
    return Ingest(table, replies or MemoryReplies(), Clock(), SETTINGS).ingest(records).counts()


def everything(table: Table) -> list[AnyRow]:
    partitions = [f"{kind}#{number}" for kind in "FAQ" for number in range(SHARDS)]
    partitions += ["B#gw-1#20261123", "B#gw-1#19700101", "E#gw-1", "L#gw-1"]
    return [row for pk in partitions for row in table.query(Span(pk))]


def of_kind(table: Table, kind: type[Kind]) -> list[Kind]:
    return [row for row in everything(table) if isinstance(row, kind)]


def a_busy_batch() -> list[Record]:
    return [
        record(envelope(1, health(), episode())),
        record(envelope(1, summary(), lane="summaries")),
        record(b"poison"),
        record(envelope(3, episode("updated", duration_ms=1000), b'{"kind":"health"}')),
        record(envelope(6, episode("closed", duration_ms=5000))),
        record(envelope(2, declared=[Declared(first=2, last=4, reason="full")], lane="summaries")),
    ]


def test_a_batch_is_stored_accounted_shown_and_answered() -> None:
    table, replies = MemoryTable(), MemoryReplies()
    counts = ingest(table, a_busy_batch(), replies)
    assert counts == {
        "records": 6,
        "blocks": 5,
        "duplicates": 0,
        "events": 6,
        "poison": 1,
        "bad_events": 1,
        "episodes": 1,
        "clones": 0,
        "replies": 2,
        "advised": 0,
        "postponed": 0,
        "failed": 0,
    }
    assert [row.phase for row in of_kind(table, EpisodeRow)] == ["closed"]
    assert [row.state for row in of_kind(table, Alert)] == ["closed"]
    assert len(of_kind(table, GatewayRow)) == 1
    assert [row.count for row in of_kind(table, Counter)] == [2]
    told = {stored.lane: stored for _, stored in replies.told}
    assert (told["summaries"].through, told["summaries"].missing) == (4, [])
    assert told["events"].through == 4
    assert [(hole.first, hole.last) for hole in told["events"].missing] == [(5, 5)]


def test_poison_costs_its_neighbours_nothing() -> None:
    table = MemoryTable()
    counts = ingest(table, [record(b"\xff"), record(envelope(1, health())), Record("x", "junk")])
    assert (counts["poison"], counts["blocks"], counts["failed"]) == (2, 1, 0)
    assert {row.gateway_id for row in of_kind(table, Quarantine)} == {"gw-1", "unknown"}


def test_a_message_full_of_bad_events_costs_a_few_writes_and_keeps_its_bytes() -> None:
    fuse = Fuse()
    table, flood = UnreliableTable(fuse), record(envelope(1, *[b"0"] * 40_000, health()))
    counts = ingest(table, [flood])
    assert fuse.calls < 10
    assert (counts["bad_events"], counts["blocks"], counts["failed"]) == (40_000, 1, 0)
    (kept,) = of_kind(table, Quarantine)
    assert base64.b64decode(kept.data) == base64.b64decode(json.loads(flood.body)["data"])
    assert "40000 bad events; the first, 1: " in kept.reason


def test_the_same_batch_again_changes_nothing() -> None:
    table = MemoryTable()
    batch = a_busy_batch()
    ingest(table, batch)
    before = [row for row in everything(table) if not isinstance(row, WatermarkRow)]
    counts = ingest(table, batch)
    assert [row for row in everything(table) if not isinstance(row, WatermarkRow)] == before
    assert (counts["blocks"], counts["duplicates"]) == (0, 5)


def everything_at_once() -> list[Record]:
    """A busy batch, a loss, two spools in turn, two boots of one number, and refused envelopes with heads."""
    newer = encode_envelope(replace(envelope(7, health(), health()), schema_version=9))
    return [
        *a_busy_batch(),
        record(envelope(9, loss(5), loss(None, "corrupt"))),
        record(newer),
        record(newer.replace(b"gw-1", b"gw-2")),
        record(envelope(1, health(), spool_id="other"), broker_ms=NOW_MS + 10),
        record(envelope(11, health()), broker_ms=NOW_MS + 20),
        record(envelope(2, health(), spool_id="other"), broker_ms=NOW_MS + 30),
        record(envelope(11, health(wall_ms=NOW_MS + 5), boot_id="second"), broker_ms=NOW_MS + 20),
        record(envelope(1, b"{}", *[b"0"] * 30, lane="context")),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_any_order_and_repetition_ends_in_the_same_place(seed: int) -> None:
    usual, other = MemoryTable(), MemoryTable()
    batch = everything_at_once()
    ingest(usual, batch)
    dice = random.Random(seed)  # noqa: S311 - a fixed seed, not a secret
    shuffled = [one for one in batch for _ in range(dice.randint(1, 5))]
    dice.shuffle(shuffled)
    for one in shuffled:
        ingest(other, [one])
    assert settled(other) == settled(usual)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.data())
def test_copies_disorder_and_a_crash_at_any_call_end_like_one_clean_run(
    dice: random.Random, data: st.DataObject
) -> None:
    usual, fuse, batch = MemoryTable(), Fuse(), everything_at_once()
    ingest(usual, batch)
    table, heard = UnreliableTable(fuse), UnreliableReplies(fuse)
    function = Ingest(table, heard, Clock(), SETTINGS)
    waiting = [one for one in batch for _ in range(dice.randint(1, 5))]
    dice.shuffle(waiting)
    while waiting:
        number = dice.randint(1, 7)
        taken, waiting = waiting[:number], waiting[number:]
        fuse.rearm(data.draw(st.integers(0, 30)), after=data.draw(st.booleans()))
        failed = function.ingest(taken).failed
        waiting += [one for one in taken if one.record_id in failed]
    fuse.rearm(0)
    assert settled(table) == settled(usual)
    assert latest(heard) == latest(replies_of(batch))
    assert notified(table) == notified(usual)


def replies_of(batch: Sequence[Record]) -> MemoryReplies:
    replies = MemoryReplies()
    ingest(MemoryTable(), batch, replies)
    return replies


def notified(table: Table) -> list[str]:
    """Whom the stream's function tells of, each birth delivered twice."""
    notifier = MemoryNotifier()
    notify = Notify(table, notifier, Clock())
    for alert in [*of_kind(table, Alert), *of_kind(table, Alert)]:
        notify.notify(alert.key)
    return [alert.alert_id for alert in notifier.told]


def settled(table: Table) -> list[object]:
    """Everything but how often and when it was touched."""
    rows = everything(table)
    marks = [replace(row, version=0, replied_through=0) for row in rows if isinstance(row, WatermarkRow)]
    alarms = [row.key for row in rows if isinstance(row, Alert) and row.about == "identity"]
    others = [row for row in rows if not isinstance(row, WatermarkRow)]
    return [*marks, *alarms, *(row for row in others if not (isinstance(row, Alert) and row.about == "identity"))]


@pytest.mark.parametrize("after", [False, True], ids=["before it took effect", "after it took effect"])
def test_a_failure_at_any_step_is_mended_by_the_records_that_come_again(*, after: bool) -> None:
    whole, fuse = MemoryTable(), Fuse()
    Ingest(UnreliableTable(fuse), UnreliableReplies(fuse), Clock(), SETTINGS).ingest(a_busy_batch())
    ingest(whole, a_busy_batch())
    for step in range(1, fuse.calls + 1):
        broken = Fuse(step, after=after)
        table, replies = UnreliableTable(broken), UnreliableReplies(broken)
        function, batch = Ingest(table, replies, Clock(), SETTINGS), a_busy_batch()
        failed = function.ingest(batch).failed
        function.ingest([one for one in batch if one.record_id in failed])
        assert settled(table) == settled(whole), f"step {step}"
        assert latest(replies) == {"events": 4, "summaries": 4}, f"step {step}"


def latest(replies: MemoryReplies) -> dict[str, int]:
    return {stored.lane: stored.through for _, stored in replies.told if stored.spool_id == "spool"}


def test_nothing_is_answered_that_is_not_stored() -> None:
    replies = MemoryReplies()
    table = UnreliableTable(Fuse(1))
    counts = ingest(table, [record(envelope(1, health()))], replies)
    assert (counts["failed"], replies.told) == (1, [])


def test_a_slow_table_costs_part_of_a_batch_and_never_the_account_of_the_rest() -> None:
    clock, replies = Clock(), MemoryReplies()

    class SlowTable(MemoryTable):
        def insert(self, row: Row, *, counter: Counter | None = None) -> AnyRow | None:
            clock.now_ms += 1000
            return super().insert(row, counter=counter)

    function = Ingest(SlowTable(), replies, clock, SETTINGS)
    waiting = [record(envelope(seq, health())) for seq in range(1, 21)]
    rounds = 0
    while waiting:
        failed = function.ingest(waiting).failed
        assert len(failed) < len(waiting)
        waiting = [one for one in waiting if one.record_id in failed]
        rounds += 1
    assert rounds == 3
    assert replies.told[-1] == ("gw-1", Stored(spool_id="spool", lane="events", through=20))


def test_a_failed_record_fails_alone() -> None:
    table = UnreliableTable(Fuse(1))
    counts = ingest(table, [record(envelope(1, health())), record(envelope(2, health()))])
    assert (counts["failed"], counts["blocks"]) == (1, 1)


def test_of_a_block_that_is_sealed_anew_only_what_is_new_is_stored() -> None:
    table, replies = MemoryTable(), MemoryReplies()
    given_up = [Declared(first=3, last=9, reason="corrupt")]
    for sent in (envelope(1, health()), envelope(1, health(), episode(), declared=given_up), envelope(1, health())):
        ingest(table, [record(sent)], replies)
    assert sorted((row.first_seq, row.count) for row in of_kind(table, Block)) == [(1, 0), (1, 1), (2, 1)]
    assert of_kind(table, Quarantine) == []
    assert replies.told[-1] == ("gw-1", Stored(spool_id="spool", lane="events", through=9))


def test_an_event_that_an_older_version_did_not_understand_is_stored_when_it_comes_again() -> None:
    table = MemoryTable()
    ingest(table, [record(envelope(1, b'{"kind":"health"}', episode()))])
    (first,) = of_kind(table, Block)
    ingest(table, [record(envelope(1, health(), episode()))])
    (mended,) = [row for row in of_kind(table, Block) if row.key != first.key and row.body != first.body]
    assert (mended.first_seq, mended.count) == (1, 1)


def test_two_events_under_one_sequence_are_both_kept_and_somebody_is_told() -> None:
    table, replies = MemoryTable(), MemoryReplies()
    ingest(table, [record(envelope(1, health()))])
    counts = ingest(table, [record(envelope(1, episode()))], replies)
    assert (counts["poison"], counts["duplicates"], counts["clones"]) == (1, 1, 1)
    assert [row.count for row in of_kind(table, Block)] == [1]
    (kept,) = of_kind(table, Quarantine)
    assert "another event is stored as events 1 of spool spool" in kept.reason
    assert (kept.first_seq, kept.count) == (1, 1)
    assert {row.about for row in of_kind(table, Alert)} == {"identity", "episode"}
    assert replies.told[-1] == ("gw-1", Stored(spool_id="spool", lane="events", through=1))


def test_a_loss_that_a_gateway_tells_is_kept_and_counted_once() -> None:
    table = MemoryTable()
    sent = envelope(1, loss(3), loss(4), loss(None, "corrupt"), loss(1, "a reason of tomorrow"))
    for _ in range(3):
        ingest(table, [record(sent)])
    counted = {(row.of_lane, row.reason): row.count for row in of_kind(table, Counter)}
    assert counted == {("summaries", "quota"): 7, ("summaries", "corrupt"): 0, ("summaries", "other"): 1}
    assert len(of_kind(table, LossRow)) == 4


def test_a_new_spool_counts_for_itself() -> None:
    replies = MemoryReplies()
    table = MemoryTable()
    ingest(table, [record(envelope(1, health(), health()))], replies)
    ingest(table, [record(envelope(1, health(), spool_id="new"))], replies)
    assert [(stored.spool_id, stored.through) for _, stored in replies.told] == [("spool", 2), ("new", 1)]


@pytest.mark.parametrize(
    "order",
    [
        ["opened", "updated", "closed"],
        ["closed", "updated", "opened"],
        ["updated", "closed", "opened"],
        ["updated", "opened", "closed"],
    ],
)
def test_phases_merge_to_one_closed_alert_in_any_order(order: list[str]) -> None:
    table = MemoryTable()
    durations = {"opened": 0, "updated": 1000, "closed": 5000}
    for seq, phase in enumerate(order, 1):
        ingest(table, [record(envelope(seq, episode(phase, duration_ms=durations[phase])))])
    (alert,) = of_kind(table, Alert)
    assert (alert.state, alert.closed_ms) == ("closed", NOW_MS + 5000)
    assert not isinstance(alert.open_pk, str)


def test_what_a_block_holds_expires_by_the_clouds_clock() -> None:
    table = MemoryTable()
    ingest(table, [record(envelope(1, health(wall_ms=5)))])
    (block,) = of_kind(table, Block)
    assert block.pk == "B#gw-1#19700101"
    assert block.expires_at == NOW_MS // 1000 + 30 * 86_400


def test_the_shard_of_a_gateway_never_changes() -> None:
    assert [shard(name) for name in ("gw-1", "gw-2", "live-host")] == [2, 0, 2]
