"""A damaged file never stops the gateway, and whatever it cost is accounted for."""

import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.codec import decode_envelope
from contract.events import LANES, Lane
from contract.health import Health
from contract.readings import Context
from device_agent.spool.rebuild import KEPT_DAMAGED, damaged_files
from device_agent.spool.sqlite import SqliteSpool
from device_agent.spool.trouble import SpoolTroubleError

Accounts = dict[Lane, set[int]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.sqlite3"


def settled(spool: SqliteSpool, lane: Lane, *, seen: int = 60) -> tuple[set[int], set[int]]:
    """What a cloud has of a lane after it was drained: sequences held, and sequences declared."""
    held: set[int] = set()
    declared: set[int] = set()
    for _ in range(4):
        after = 0
        while block := spool.take(lane, after=after, partial=True):
            envelope = decode_envelope(block.envelope("gw"))
            held |= set(range(envelope.first_seq, envelope.last_seq + 1))
            for each in envelope.declared:
                declared |= set(range(each.first, min(each.last, seen + 10) + 1))
            after = block.first_seq
        missing = sorted(set(range(1, seen + 1)) - held - declared)
        for seq in missing:
            spool.give_up(lane, seq, seq, "forgotten")
    return held, declared


def filled(path: Path, health: Callable[..., Health], context: Callable[..., Context]) -> Accounts:
    spool = SqliteSpool(path, hardware="a")
    for number in range(60):
        spool.append("boot", [health(number), context(number * 7)])
    after = 0
    for _ in range(2):
        block = spool.take("events", after=after, partial=True)
        assert block is not None
        after = block.first_seq
    spool.close()
    return {"events": set(range(1, 61)), "summaries": set(), "context": set(range(1, 61))}


def assert_accounted(spool: SqliteSpool, accepted: Accounts) -> None:
    for lane in LANES:
        held, declared = settled(spool, lane, seen=60)
        assert accepted[lane] <= held | declared, f"{lane}: {sorted(accepted[lane] - held - declared)}"


@pytest.mark.parametrize("damage", [b"not a database at all, but long enough to be read as one" * 50, b"torn", b""])
def test_a_file_that_is_none_leaves_a_spool_that_goes_on_counting(
    path: Path, damage: bytes, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    accepted = filled(path, health, context)
    before = SqliteSpool(path)
    identity = before.spool_id
    before.close()
    path.write_bytes(damage)

    spool = SqliteSpool(path, wall_ms=lambda: 42)
    (place,) = spool.append("boot", [health()])

    assert spool.spool_id == identity
    assert place.seq >= 60 + 1
    assert_accounted(spool, accepted)
    declaration = spool.take("summaries", after=0, partial=True)
    assert declaration is not None
    assert declaration.boot_id, "the cloud takes no block that happened under no boot"
    told = spool.tell_losses("boot", wall_ms=1, monotonic_ms=1)
    assert {(loss.of_lane, loss.reason, loss.count) for loss, _ in told} >= {("events", "corrupt", None)}
    spool.close()


def test_a_page_torn_inside_the_file_costs_what_was_on_it(
    path: Path, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    accepted = filled(path, health, context)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size - 2 * 4096)
        file.write(b"\xff" * 4096)

    spool = SqliteSpool(path, wall_ms=lambda: 42)

    assert spool.counters()["moved_aside"] == 1
    assert path.with_name("spool.sqlite3.corrupt-42").exists()
    kept = sum(len(settled(spool, lane)[0]) for lane in ("events", "context"))
    assert kept >= 50, "most of it is readable"
    assert_accounted(spool, accepted)
    spool.close()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1 << 30),
    cuts=st.integers(1, 12),
    wal=st.booleans(),
    kind=st.sampled_from(["flip", "zero", "end"]),
)
def test_whatever_is_damaged_everything_accepted_is_kept_or_declared(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: int, *, wal: bool, kind: str
) -> None:
    source = random.Random(seed)  # noqa: S311 - which bits flip
    path = tmp_path_factory.mktemp("spool") / "spool.sqlite3"
    make = SqliteSpool(path, hardware="a")
    trace_events = [
        Health(wall_ms=n, monotonic_ms=n, version="1", uptime_ms=n, interval_ms=60_000, sensors={}) for n in range(50)
    ]
    make.append("boot", trace_events[:25])
    make.take("events", after=0, partial=True)
    make.append("boot", trace_events[25:])
    target = path.with_name(path.name + "-wal") if wal else path
    if not wal:
        make._session.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(target.read_bytes())
    wal_copy = path.with_name(path.name + "-wal").read_bytes()
    main_copy = path.read_bytes()
    make.close()
    path.write_bytes(main_copy)
    path.with_name(path.name + "-wal").write_bytes(wal_copy)
    for _ in range(cuts):
        place = source.randrange(len(content))
        if kind == "flip":
            content[place] ^= 1 << source.randrange(8)
        elif kind == "zero":
            content[place : place + 512] = bytes(len(content[place : place + 512]))
        else:
            del content[max(1, len(content) - source.randrange(2048)) :]
    target.write_bytes(content)

    spool = SqliteSpool(path, hardware="a")
    held, declared = settled(spool, "events", seen=50)
    (place_now,) = spool.append("boot", trace_events[:1])

    if not wal:  # what a log has lost since its last checkpoint, nobody can know
        assert set(range(1, 51)) <= held | declared
        assert place_now.seq > 50
    for name in ("quick_check", "integrity_check"):
        assert spool._session.connection().execute(f"PRAGMA {name}").fetchone() == ("ok",)
    spool.close()


def test_damage_found_while_two_use_the_file_is_rescued_by_one_and_seen_by_both(
    path: Path, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    accepted = filled(path, health, context)
    appender, forwarder = SqliteSpool(path), SqliteSpool(path)
    appender._session.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))

    deadline = time.monotonic() + 30
    done = [threading.Event(), threading.Event()]

    def keep_trying(call: Callable[[], object], mine: threading.Event) -> None:
        while time.monotonic() < deadline and not all(event.is_set() for event in done):
            with contextlib.suppress(SpoolTroubleError):
                call()
                if damaged_files(path):
                    mine.set()

    calls = [lambda: appender.append("boot", [health(99)]), lambda: forwarder.take("events", after=0, partial=True)]
    threads = [threading.Thread(target=keep_trying, args=each) for each in zip(calls, done, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)

    assert appender.append("boot", [health(100)])[0].seq > 60
    assert forwarder.pending() == appender.pending()
    assert len(damaged_files(path)) >= 1
    assert_accounted(forwarder, accepted)
    appender.close()
    forwarder.close()


def test_an_event_whose_bits_flipped_is_set_apart_and_its_neighbours_travel(
    path: Path, health: Callable[..., Health]
) -> None:
    spool = SqliteSpool(path)
    spool.append("boot", [health(n) for n in range(5)])
    spool._session.connection().execute("UPDATE event SET body = x'7b7d' WHERE seq = 3")

    held, _ = settled(spool, "events")

    assert held >= {1, 2, 4, 5}
    assert 3 not in held
    assert spool.counters()["lost.events.corrupt"] == 1
    assert spool._session.connection().execute("SELECT seq, reason FROM quarantine").fetchall() == [(3, "corrupt")]
    spool.close()


def test_a_format_of_another_version_is_moved_aside_and_told(path: Path, health: Callable[..., Health]) -> None:
    first = SqliteSpool(path)
    first.append("boot", [health()])
    first.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()

    spool = SqliteSpool(path)

    assert spool.spool_id == first.spool_id
    assert settled(spool, "events")[0] >= {1}
    spool.close()


def test_only_a_few_damaged_files_are_kept(path: Path, health: Callable[..., Health]) -> None:
    for number in range(KEPT_DAMAGED + 3):
        spool = SqliteSpool(path, wall_ms=lambda number=number: 1_000_000_000_000 + number)
        spool.append("boot", [health()])
        spool.close()
        path.write_bytes(b"garbage" * 1000)
    SqliteSpool(path, wall_ms=lambda: 1_000_000_000_900).close()

    assert len(damaged_files(path)) == KEPT_DAMAGED


def test_a_spool_on_another_machine_counts_under_another_name_and_keeps_its_events(
    path: Path, health: Callable[..., Health]
) -> None:
    first = SqliteSpool(path, hardware="pi-1")
    first.append("boot", [health(n) for n in range(3)])
    first.take("events", after=0, partial=True)
    first.forget("events", 3)
    first.append("boot", [health(4)])
    first.close()

    moved = SqliteSpool(path, hardware="pi-2")
    block = moved.take("events", after=0, partial=True)

    assert moved.spool_id != first.spool_id
    assert moved.counters()["hardware_changed"] == 1
    assert block is not None
    assert (block.first_seq, block.declared[0].first, block.declared[0].last) == (4, 1, 3)
    moved.close()


def test_a_machine_without_a_fingerprint_is_no_other_machine(path: Path) -> None:
    first = SqliteSpool(path, hardware="pi-1")
    first.close()
    second = SqliteSpool(path, hardware="")

    assert second.spool_id == first.spool_id
    second.close()


def test_two_users_of_one_machine_count_as_one(path: Path) -> None:
    root = SqliteSpool(path, hardware="product-1 network-a")
    user = SqliteSpool(path, hardware="network-a")
    root_again = SqliteSpool(path, hardware="product-1 network-a network-b")

    assert {root.spool_id, user.spool_id, root_again.spool_id} == {root.spool_id}
    assert "hardware_changed" not in root.counters()
    for spool in (root, user, root_again):
        spool.close()
