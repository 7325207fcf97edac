import base64
import json
import random
from collections.abc import Sequence
from typing import TypeVar

import pytest

from cloud_functions.adapters.memory import MemoryReplies, MemoryTable
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.ports import Span, Table
from cloud_functions.core.receive import Record
from cloud_functions.core.rows import (
    SHARDS,
    Alert,
    AnyRow,
    Block,
    Counter,
    EpisodeRow,
    GatewayRow,
    Quarantine,
    WatermarkRow,
    shard,
)
from cloud_functions.core.shape import Retention
from contract.envelope import Declared, Stored
from tests.cloud_functions.make import NOW_MS, Clock, envelope, episode, health, record, summary
from tests.cloud_functions.unreliable import Fuse, UnreliableReplies, UnreliableTable

Kind = TypeVar("Kind")
SETTINGS = Settings(interval_ms=0, retention=Retention(block_days=30, episode_days=400))


def ingest(table: Table, records: Sequence[Record], replies: MemoryReplies | None = None) -> dict[str, int]:
    return Ingest(table, replies or MemoryReplies(), Clock(), SETTINGS).ingest(records).counts()


def everything(table: Table) -> list[AnyRow]:
    partitions = [f"{kind}#{number}" for kind in "FAQ" for number in range(SHARDS)]
    partitions += ["B#gw-1#20261123", "B#gw-1#19700101", "E#gw-1"]
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
        "replies": 2,
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


@pytest.mark.parametrize("seed", range(20))
def test_any_order_and_repetition_ends_in_the_same_place(seed: int) -> None:
    usual, other = MemoryTable(), MemoryTable()
    batch = a_busy_batch()
    ingest(usual, batch)
    shuffled = [*batch, *batch]
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - a fixed seed, not a secret
    for one in shuffled:
        ingest(other, [one])
    assert settled(other) == settled(usual)


def settled(table: Table) -> list[object]:
    """Everything but how often and when it was touched."""
    rows = everything(table)
    marks = [(row.key, row.through, row.pending) for row in rows if isinstance(row, WatermarkRow)]
    return [*marks, *(row for row in rows if not isinstance(row, WatermarkRow))]


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
    return {stored.lane: stored.through for _, stored in replies.told}


def test_nothing_is_answered_that_is_not_stored() -> None:
    replies = MemoryReplies()
    table = UnreliableTable(Fuse(1))
    counts = ingest(table, [record(envelope(1, health()))], replies)
    assert (counts["failed"], replies.told) == (1, [])


def test_a_failed_record_fails_alone() -> None:
    table = UnreliableTable(Fuse(1))
    counts = ingest(table, [record(envelope(1, health())), record(envelope(2, health()))])
    assert (counts["failed"], counts["blocks"]) == (1, 1)


def test_a_broken_seal_loses_neither_block() -> None:
    table, replies = MemoryTable(), MemoryReplies()
    first = envelope(1, health())
    longer = envelope(1, health(), episode())
    ingest(table, [record(first)])
    counts = ingest(table, [record(longer)], replies)
    assert (counts["poison"], counts["duplicates"]) == (1, 1)
    assert [row.count for row in of_kind(table, Block)] == [1]
    assert "another block is stored" in of_kind(table, Quarantine)[0].reason
    assert replies.told[-1] == ("gw-1", Stored(spool_id="spool", lane="events", through=2))


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
