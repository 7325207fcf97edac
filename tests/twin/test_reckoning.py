from contract.envelope import Declared
from device_agent.ledger import Entry
from twin.reckoning import Block, latency, reckon


def entry(seq: int, *, spool_id: str = "s", sample_wall_ms: int = 1000) -> Entry:
    return Entry(
        spool_id=spool_id,
        lane="events",
        seq=seq,
        kind="health",
        sample_wall_ms=sample_wall_ms,
        accepted_wall_ms=sample_wall_ms,
    )


def block(
    first_seq: int, count: int, *, stored_ms: int = 1500, declared: tuple[Declared, ...] = (), quarantined: int = 0
) -> Block:
    return Block(
        gateway_id="g",
        spool_id="s",
        lane="events",
        first_seq=first_seq,
        held=[True] * count + [False] * quarantined,
        stored_ms=stored_ms,
        declared=list(declared),
    )


def test_what_was_accepted_and_stored_once_is_neither_lost_nor_double() -> None:
    account = reckon([entry(1), entry(2), entry(3)], [block(1, 2), block(3, 1)])
    assert (account.accepted, account.stored, account.lost, account.duplicates, account.unknown) == (3, 3, 0, 0, 0)


def test_an_accepted_event_that_no_block_holds_is_lost() -> None:
    account = reckon([entry(1), entry(2)], [block(1, 1)])
    assert (account.stored, account.lost) == (1, 1)


def test_an_event_in_two_blocks_is_a_duplicate_and_not_stored_twice() -> None:
    account = reckon([entry(1), entry(2)], [block(1, 2), block(2, 1)])
    assert (account.stored, account.lost, account.duplicates) == (2, 0, 1)


def test_a_declared_event_is_not_lost() -> None:
    account = reckon([entry(1), entry(2)], [block(2, 1, declared=(Declared(first=1, last=1, reason="quota"),))])
    assert (account.stored, account.lost, account.declared) == (1, 0, 1)


def test_a_quarantined_event_is_not_lost() -> None:
    account = reckon([entry(1), entry(2)], [block(1, 1, quarantined=1)])
    assert (account.stored, account.lost, account.declared) == (1, 0, 1)


def test_an_event_of_another_spool_does_not_count_as_stored() -> None:
    account = reckon([entry(1, spool_id="other")], [block(1, 1)])
    assert (account.lost, account.unknown) == (1, 1)


def test_latency_is_from_the_sample_to_the_first_time_stored() -> None:
    accounts = [
        reckon([entry(1, sample_wall_ms=1000)], [block(1, 1, stored_ms=1200)]),
        reckon([entry(1, sample_wall_ms=1000)], [block(1, 1, stored_ms=1900)]),
    ]
    assert latency(accounts).p50 == 200
    assert latency(accounts).p99 == 900


def test_with_nothing_stored_there_is_no_latency() -> None:
    assert latency([reckon([], [])]).p50 is None
