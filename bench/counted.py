"""What every line of a report of faults counts."""

import msgspec


class Counted(msgspec.Struct, kw_only=True):
    """All trials of one kind.

    Attributes:
        fault: Its name.
        promise: What must be true.
        injected: Times that something was made to go wrong.
        accepted: Events accepted.
        stored: Of those, kept.
        declared: Of those, given up openly.
        lost: Neither.
        duplicates: Kept twice.
        broken: The first few promises that were not kept.
    """

    fault: str
    promise: str
    injected: int = 0
    accepted: int = 0
    stored: int = 0
    declared: int = 0
    lost: int = 0
    duplicates: int = 0
    broken: list[str] = []
