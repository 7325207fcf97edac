"""One suite over every adapter of the ``Table`` port."""

import threading
import uuid

import pytest
from msgspec.structs import replace

from cloud_functions.core.keys import OPEN_ALERTS
from cloud_functions.core.people import Alert, Notified
from cloud_functions.core.ports import Span, Table
from cloud_functions.core.quarantine import counter_row
from cloud_functions.core.rows import Counter, Quarantine, WatermarkRow
from cloud_functions.core.shape import alert_row
from tests.cloud_functions.make import NOW_MS, episode


@pytest.fixture
def name() -> str:
    return f"gw-{uuid.uuid4().hex[:12]}"


def poison(name: str, sk: str = "x", reason: str = "why") -> Quarantine:
    return Quarantine(pk=f"T#{name}", sk=sk, gateway_id=name, reason=reason, data="", stored_ms=1)


def mark(name: str, version: int) -> WatermarkRow:
    return WatermarkRow(
        pk=f"T#{name}",
        sk="lane",
        gateway_id=name,
        spool_id="s",
        lane="events",
        version=version,
        through=version,
        pending="[]",
        last_seen_ms=1,
    )


def test_what_is_absent_is_none(table: Table, name: str) -> None:
    assert table.get(poison(name).key) is None


def test_a_row_comes_back_as_it_went(table: Table, name: str) -> None:
    alert = alert_row(name, episode(peak_score=2.25, reason="ünïcode ☂"), expires_at=5)
    assert table.insert(alert) is None
    assert table.get(alert.key) == alert


def test_the_first_insert_wins_and_the_second_hears_of_it(table: Table, name: str) -> None:
    first = poison(name, reason="first")
    assert table.insert(first) is None
    assert table.insert(poison(name, reason="second")) == first
    assert table.get(first.key) == first


def test_a_counter_counts_new_rows_only(table: Table, name: str) -> None:
    counter = counter_row(name)
    for sk in ("a", "b", "b", "a"):
        table.insert(poison(name, sk), counter=counter)
    counted = table.get(counter.key)
    assert isinstance(counted, Counter)
    assert counted.count == 2


def test_only_a_higher_rank_is_merged(table: Table, name: str) -> None:
    assert table.merge(mark(name, 2), rank="version")
    assert not table.merge(mark(name, 2), rank="version")
    assert not table.merge(mark(name, 1), rank="version")
    assert table.merge(mark(name, 3), rank="version")
    assert table.get(mark(name, 3).key) == mark(name, 3)


def test_merging_leaves_what_is_unset_and_takes_away_what_is_none(table: Table, name: str) -> None:
    opened = alert_row(name, episode(), expires_at=5)
    closed = alert_row(name, episode("closed", duration_ms=9000), expires_at=6)
    table.merge(opened, rank="rank")
    table.merge(Notified(pk=opened.pk, sk=opened.sk, notified_ms=77), rank="notified_ms")
    table.merge(closed, rank="rank")
    stored = table.get(opened.key)
    assert isinstance(stored, Alert)
    assert (stored.state, stored.notified_ms, stored.closed_ms) == ("closed", 77, NOW_MS + 9000)
    assert not isinstance(stored.open_pk, str)


def test_a_closed_alert_leaves_the_index(table: Table, name: str) -> None:
    opened = alert_row(name, episode(), expires_at=5)
    span = Span(opened.pk, f"{name}#", f"{name}#~", index_name=OPEN_ALERTS)
    table.merge(opened, rank="rank")
    assert table.query(span) == [opened]
    table.merge(alert_row(name, episode("closed", duration_ms=1), expires_at=5), rank="rank")
    assert table.query(span) == []


def test_a_query_gives_its_span_in_order(table: Table, name: str) -> None:
    for sk in ("b1", "a9", "b0", "c0"):
        table.insert(poison(name, sk))
    pk = f"T#{name}"
    assert [row.sk for row in table.query(Span(pk, "b", "b~"))] == ["b0", "b1"]
    assert [row.sk for row in table.query(Span(pk, newest_first=True, limit=2))] == ["c0", "b1"]
    assert table.query(Span(f"{pk}-other")) == []


def test_a_query_reads_on_beyond_one_page(table: Table, name: str) -> None:
    rows = [replace(poison(name, f"{n:02d}"), data="x" * 200_000) for n in range(8)]  # a page is 1 MB
    for row in rows:
        table.insert(row)
    assert [row.sk for row in table.query(Span(f"T#{name}"))] == [row.sk for row in rows]


def test_of_concurrent_writers_of_one_version_one_wins(table: Table, name: str) -> None:
    won: list[bool] = []
    threads = [
        threading.Thread(target=lambda: won.append(table.merge(mark(name, 1), rank="version")), name=f"w{n}")
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(won) == [False, False, False, True]
