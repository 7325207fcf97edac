"""One row of the report: what a fault cost, against what is promised."""

import sys
import threading
from typing import Final

import msgspec

RESUME_S: Final = 5.0
"""A link that is back is used within so long."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """All injections of one fault.

    Attributes:
        fault: Its name.
        injected: How often.
        accepted: Events that were durable on the gateway, by the ledger kept outside the spool.
        stored: Of those, in the table.
        declared: Of those, given up openly: by policy, or because the fault destroyed them.
        lost: ``accepted - stored - declared``.
        duplicates: Events that lie in the table twice.
        recovery_s: From the fault's end to the first event newly stored.
        promise: What must be true, in words.
        note: What else was seen.
        broken: What was promised and not kept.
    """

    fault: str
    injected: int
    accepted: int
    stored: int
    declared: int
    lost: int
    duplicates: int
    recovery_s: float
    promise: str
    note: str = ""
    broken: list[str] = []

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken


def verdict(row: Row, *, may_declare: bool, resume_s: float | None) -> Row:
    """The row with everything that is wrong with it.

    Args:
        row: As measured; what its own fault found broken stays.
        may_declare: Whether this fault may force events to be given up openly.
        resume_s: The longest recovery allowed; ``None`` where nothing is promised.
    """
    broken = list(row.broken)
    if not row.injected:
        broken.append("nothing was injected")
    if not row.accepted or not row.stored:
        broken.append("nothing was proved: no event accepted or stored")
    broken += [f"{count} {what}" for count, what in ((row.lost, "lost"), (row.duplicates, "stored twice")) if count]
    if row.declared and not may_declare:
        broken.append(f"{row.declared} given up, though nothing forced it")
    if resume_s is not None and row.recovery_s > resume_s:
        broken.append(f"recovered after {row.recovery_s:.1f} s, {resume_s:g} s promised")
    return msgspec.structs.replace(row, broken=broken)


def failed(name: str, why: str) -> Row:
    """The row of a fault that could not be injected to its end."""
    return Row(
        fault=name,
        injected=0,
        accepted=0,
        stored=0,
        declared=0,
        lost=0,
        duplicates=0,
        recovery_s=0.0,
        promise="",
        broken=[why],
    )


_saying = threading.Lock()


def say(row: Row, seconds: float) -> None:
    """One line on stderr; any thread."""
    with _saying:
        mark = "ok" if row.passed else "BROKEN: " + "; ".join(row.broken)
        print(
            f"{row.fault:24s} injected {row.injected:5d}  accepted {row.accepted:6d}  stored {row.stored:6d}  "
            f"declared {row.declared:5d}  lost {row.lost}  twice {row.duplicates}  recovery {row.recovery_s:5.1f} s  "
            f"({seconds:.0f} s) {mark}",
            file=sys.stderr,
            flush=True,
        )
