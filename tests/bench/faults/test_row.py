"""A row that proves nothing, or hides something, is broken."""

import msgspec
import pytest

from bench.faults.catalogue import CATALOGUE
from bench.faults.row import Row, verdict
from bench.faults.scene import recovery_s
from twin.reckoning import Block

GOOD = Row(fault="f", injected=1, accepted=10, stored=10, declared=0, lost=0, duplicates=0, recovery_s=1.0, promise="p")


def judged(*, may_declare: bool = False, resume_s: float | None = 5.0, **changes: object) -> Row:
    return verdict(msgspec.structs.replace(GOOD, **changes), may_declare=may_declare, resume_s=resume_s)


def test_a_good_row_is_good() -> None:
    assert judged().passed


@pytest.mark.parametrize(
    "changes",
    [
        {"injected": 0},
        {"accepted": 0, "stored": 0},
        {"lost": 1},
        {"duplicates": 1},
        {"declared": 1},
        {"recovery_s": 5.1},
        {"broken": ["seen by the fault itself"]},
    ],
    ids=str,
)
def test_whatever_is_wrong_breaks_the_row(changes: dict[str, object]) -> None:
    assert not judged(**changes).passed


def test_a_fault_that_destroys_may_force_declarations() -> None:
    assert judged(may_declare=True, declared=3).passed


def test_recovery_is_the_longest_wait_for_something_stored() -> None:
    blocks = [
        Block(gateway_id="g", spool_id="s", lane="events", first_seq=seq, held=[True], stored_ms=ms)
        for seq, ms in enumerate([1000, 2500, 9000], 1)
    ]

    assert recovery_s(blocks, [900, 1500, 4000]) == 5.0
    assert recovery_s(blocks, []) == 0


def test_an_end_after_which_nothing_was_stored_is_no_quick_recovery() -> None:
    assert recovery_s([], [1000]) == float("inf")


def test_every_fault_has_a_name_of_its_own_and_enough_of_them() -> None:
    names = [fault.name for fault in CATALOGUE]

    assert len(names) == len(set(names)) >= 26
