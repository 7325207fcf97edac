"""What every spool keeps, run over the SQLite one and the one in memory."""

from collections.abc import Callable

from contract.codec import decode_envelope, encode_event
from contract.envelope import MAX_ENVELOPE_BYTES, Declared
from contract.events import LANES, Lane
from contract.health import Health
from contract.readings import Context
from device_agent.spool.limits import LaneLimit, Limits
from device_agent.spool.memory import MemorySpool
from device_agent.spool.packing import room
from device_agent.spool.port import Accepted, Block
from device_agent.spool.sqlite import SqliteSpool

AnySpool = SqliteSpool | MemorySpool
MakeSpool = Callable[..., AnySpool]


def taken(spool: AnySpool, lane: Lane, *, after: int = 0, partial: bool = True) -> Block:
    block = spool.take(lane, after=after, partial=partial)
    assert block is not None
    return block


def test_each_lane_counts_from_one_in_the_order_of_appending(
    spool: AnySpool, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    accepted = spool.append("boot", [health(), context(), health()])

    assert accepted == [Accepted("events", 1), Accepted("context", 1), Accepted("events", 2)]
    assert spool.pending() == {"events": 2, "summaries": 0, "context": 1}


def test_appending_nothing_accepts_nothing(spool: AnySpool) -> None:
    assert spool.append("boot", []) == []


def test_a_block_carries_neighbours_and_reads_the_same_each_time(
    spool: AnySpool, health: Callable[..., Health]
) -> None:
    spool.append("boot", [health(n) for n in range(3)])

    block = taken(spool, "events", after=0, partial=True)
    spool.append("boot", [health(3)])

    assert (block.first_seq, block.last_seq, len(block.events)) == (1, 3, 3)
    assert taken(spool, "events", after=0, partial=True).envelope("gw") == block.envelope("gw")
    assert taken(spool, "events", after=1, partial=True).first_seq == 4


def test_a_lane_that_is_not_full_is_only_sealed_when_asked(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("boot", [health()])

    assert spool.take("events", after=0, partial=False) is None
    assert spool.waiting("events") == 1
    assert taken(spool, "events", after=0, partial=True).first_seq == 1
    assert spool.waiting("events") is None
    assert spool.take("events", after=1, partial=True) is None


def test_an_envelope_is_never_larger_than_the_limit_and_nearly_as_large(
    spool: AnySpool, context: Callable[..., Context]
) -> None:
    spool.append("boot", [context(200) for _ in range(30)])

    sizes = []
    after = 0
    while block := spool.take("context", after=after, partial=False):
        assert block.first_seq == after + 1
        sizes.append(len(block.envelope("g" * 64)))
        after = block.last_seq
        if len(sizes) > 30:
            break

    assert after < 30  # the last ones wait for company
    assert all(MAX_ENVELOPE_BYTES * 0.8 < size <= MAX_ENVELOPE_BYTES for size in sizes)


def test_an_envelope_never_spans_two_boots(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("first", [health()])
    spool.append("second", [health()])

    first = taken(spool, "events", after=0, partial=False)  # full: nothing can join it
    second = taken(spool, "events", after=1, partial=True)

    assert (first.boot_id, first.last_seq) == ("first", 1)
    assert (second.boot_id, second.last_seq) == ("second", 2)


def test_the_envelope_is_what_the_contract_says(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("boot", [health(5)])

    envelope = decode_envelope(taken(spool, "events", after=0, partial=True).envelope("gw-1"))

    assert (envelope.gateway_id, envelope.spool_id, envelope.boot_id) == ("gw-1", spool.spool_id, "boot")
    assert (envelope.lane, envelope.first_seq, envelope.last_seq) == ("events", 1, 1)


def test_what_is_stored_is_forgotten_and_its_numbers_are_never_used_again(
    spool: AnySpool, health: Callable[..., Health]
) -> None:
    spool.append("boot", [health(), health()])
    taken(spool, "events", after=0, partial=True)

    assert spool.forget("events", 2) == 2
    assert spool.pending()["events"] == 0
    assert spool.take("events", after=0, partial=True) is None
    assert spool.append("boot", [health()]) == [Accepted("events", 3)]


def test_nothing_that_was_never_sealed_is_forgotten(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("boot", [health()])
    taken(spool, "events", after=0, partial=True)
    spool.append("boot", [health()])

    assert spool.forget("events", 1000) == 1
    assert spool.pending()["events"] == 1
    assert taken(spool, "events", after=0, partial=True).first_seq == 2


def test_a_watermark_inside_a_block_keeps_the_whole_block(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("boot", [health() for _ in range(3)])
    block = taken(spool, "events", after=0, partial=True)

    assert spool.forget("events", 2) == 0
    assert taken(spool, "events", after=0, partial=True) == block


def test_an_older_watermark_changes_nothing(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("boot", [health(), health()])
    taken(spool, "events", after=0, partial=True)
    spool.forget("events", 2)

    assert spool.forget("events", 1) == 2
    assert spool.pending()["events"] == 0


def test_an_event_too_large_for_any_envelope_is_declared_with_the_next_one(
    spool: AnySpool, context: Callable[..., Context]
) -> None:
    accepted = spool.append("boot", [context(5000), context()])
    block = taken(spool, "context", after=0, partial=True)

    assert [place.seq for place in accepted] == [1, 2]
    assert (block.first_seq, block.last_seq) == (2, 2)
    assert block.declared == (Declared(first=1, last=1, reason="too large"),)
    assert spool.counters()["quarantined"] == 1
    assert spool.forget("context", 2) == 2
    assert spool.pending()["context"] == 0


def test_declarations_without_an_event_travel_alone_under_their_own_number(
    spool: AnySpool, context: Callable[..., Context]
) -> None:
    spool.append("boot", [context(5000), context(5000)])

    block = taken(spool, "context", after=0, partial=True)

    assert block.events == ()
    assert (block.first_seq, block.last_seq) == (3, 3)
    assert block.declared[0] == Declared(first=1, last=2, reason="too large")
    assert block.declared[1] == Declared(first=3, last=3, reason="declaration")
    assert spool.append("boot", [context()]) == [Accepted("context", 4)]
    assert spool.forget("context", 3) == 3


def test_a_hole_left_by_a_quarantined_event_ends_the_block_before_it(
    spool: AnySpool, context: Callable[..., Context]
) -> None:
    spool.append("boot", [context(), context(5000), context()])

    first = taken(spool, "context", after=0, partial=False)

    assert (first.first_seq, first.last_seq) == (1, 1)
    assert first.declared == (Declared(first=2, last=2, reason="too large"),)
    assert taken(spool, "context", after=1, partial=True).first_seq == 3


def test_a_refused_block_is_declared_with_the_next_one(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("boot", [health(), health()])
    taken(spool, "events", after=0, partial=True)
    spool.give_up("events", 1, 2, "refused")
    spool.append("boot", [health()])

    block = taken(spool, "events", after=0, partial=True)

    assert block.first_seq == 3
    assert block.declared == (Declared(first=1, last=2, reason="refused"),)
    assert spool.counters()["quarantined"] == 2


def test_what_a_refused_block_would_have_declared_is_still_declared(
    spool: AnySpool, context: Callable[..., Context]
) -> None:
    spool.append("boot", [context(5000), context()])
    taken(spool, "context", after=0, partial=True)
    spool.give_up("context", 2, 2, "refused")

    block = taken(spool, "context", after=0, partial=True)

    assert [(each.first, each.last, each.reason) for each in block.declared] == [
        (1, 1, "too large"),
        (2, 2, "refused"),
        (3, 3, "declaration"),
    ]


def test_giving_up_a_block_that_is_gone_changes_nothing(spool: AnySpool) -> None:
    spool.give_up("events", 1, 1, "refused")

    assert spool.waiting("events") is None


def test_what_was_forgotten_and_is_missed_all_the_same_is_declared_once(
    spool: AnySpool, health: Callable[..., Health]
) -> None:
    spool.append("boot", [health(), health(), health()])
    taken(spool, "events")
    spool.forget("events", 3)
    for _ in range(3):
        spool.give_up("events", 1, 100, "forgotten")
    spool.append("boot", [health()])

    block = taken(spool, "events")
    spool.give_up("events", 1, 3, "forgotten")  # said again before the declaration arrived

    assert block.first_seq == 4
    assert block.declared == (Declared(first=1, last=3, reason="forgotten"),)
    assert taken(spool, "events") == block
    assert spool.waiting("events") is None
    assert spool.forget("events", 4) == 4


def test_what_still_waits_is_never_given_up_by_its_range(spool: AnySpool, health: Callable[..., Health]) -> None:
    spool.append("boot", [health(), health()])
    spool.give_up("events", 1, 2, "forgotten")

    assert taken(spool, "events").last_seq == 2


def test_over_quota_the_lowest_lane_gives_up_its_oldest_and_declares_it(
    make_spool: MakeSpool, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    spool = make_spool(max_bytes=1500)
    spool.append("boot", [health() for _ in range(4)])
    spool.append("boot", [context() for _ in range(20)])

    dropped = spool.counters()["dropped"]
    block = taken(spool, "context", after=0, partial=True)

    assert dropped > 0
    assert block.declared[0] == Declared(first=1, last=dropped, reason="quota")
    assert taken(spool, "events", after=0, partial=True).last_seq == 4


def test_a_sealed_block_dropped_over_quota_is_declared_as_a_whole(
    make_spool: MakeSpool, context: Callable[..., Context]
) -> None:
    spool = make_spool(max_bytes=1000)
    spool.append("boot", [context(), context()])
    taken(spool, "context", after=0, partial=True)
    spool.append("boot", [context(300)])

    assert spool.counters()["dropped"] == 2
    block = taken(spool, "context", after=0, partial=True)
    assert block.declared == (Declared(first=1, last=2, reason="quota"),)
    assert block.first_seq == 3


def test_declarations_wait_for_the_next_envelope_where_an_event_leaves_no_room(
    spool: AnySpool, context: Callable[..., Context]
) -> None:
    spool.append("boot", [context(5000)])
    spare = room(spool.spool_id, "boot", "context") - len(encode_event(context(1)))
    spool.append("boot", [context(1 + spare // 2), context()])

    first = taken(spool, "context", after=0, partial=True)
    second = taken(spool, "context", after=2, partial=True)

    assert len(first.envelope("g" * 64)) <= MAX_ENVELOPE_BYTES
    assert first.declared == ()
    assert second.declared == (Declared(first=1, last=1, reason="too large"),)


def test_what_is_too_old_by_the_spools_own_time_goes_declared(
    make_spool: MakeSpool, health: Callable[..., Health]
) -> None:
    now = [0.0]
    limits = Limits({lane: LaneLimit(1 << 20, 100) for lane in LANES}, 1 << 20)
    spool = make_spool(limits=limits, monotonic_s=lambda: now[0])
    spool.append("boot", [health(1), health(2)])
    now[0] = 90
    spool.append("boot", [health(3)])
    assert spool.counters() == {}
    now[0] = 102
    spool.append("boot", [health(4)])

    block = taken(spool, "events")
    assert block.first_seq == 3
    assert block.declared == (Declared(first=1, last=2, reason="age"),)
    assert spool.counters()["lost.events.age"] == 2


def test_a_lanes_own_limit_is_kept_before_the_common_one(
    make_spool: MakeSpool, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    own = {"events": LaneLimit(500), "summaries": LaneLimit(10_000), "context": LaneLimit(10_000)}
    spool = make_spool(limits=Limits({lane: own[lane] for lane in LANES}, 20_000))
    spool.append("boot", [context() for _ in range(20)])
    spool.append("boot", [health(number) for number in range(20)])

    assert spool.lane_bytes()["events"] <= 500
    assert spool.counters().keys() == {"dropped", "lost.events.quota"}


def test_losses_are_told_once_with_their_range_and_size(make_spool: MakeSpool, context: Callable[..., Context]) -> None:
    own = {lane: LaneLimit(1500 if lane == "context" else 10_000) for lane in LANES}
    spool = make_spool(limits=Limits(own, 20_000))
    places = spool.append("boot", [context() for _ in range(20)])
    kept = spool.lane_bytes()["context"]

    ((loss, place),) = spool.tell_losses("boot", wall_ms=5, monotonic_ms=6)

    assert (loss.of_lane, loss.reason, loss.wall_ms, loss.monotonic_ms) == ("context", "quota", 5, 6)
    assert (loss.first_seq, loss.last_seq, loss.spool_id) == (1, loss.count, spool.spool_id)
    assert loss.size_bytes == len(places) * len(encode_event(context())) - kept
    assert place == Accepted("events", 1)
    assert spool.tell_losses("boot", wall_ms=5, monotonic_ms=6) == []


def test_telling_losses_keeps_the_limits_too(make_spool: MakeSpool, health: Callable[..., Health]) -> None:
    full = make_spool(max_bytes=1000)
    full.append("boot", [health(number) for number in range(30)])
    full.tell_losses("boot", wall_ms=5, monotonic_ms=6)

    assert full.lane_bytes()["events"] <= 1000


def test_the_version_changes_with_every_append_and_with_nothing_read(
    spool: AnySpool, health: Callable[..., Health]
) -> None:
    versions = [spool.version()]
    for number in range(3):
        spool.append("boot", [health(number)])
        versions.append(spool.version())
    assert len(set(versions)) == 4
    spool.pending(), spool.counters(), spool.waiting("events"), spool.newest("events")
    assert spool.version() == versions[-1]
