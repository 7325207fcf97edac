"""One line of the report: all trials of one fault."""

import msgspec


class UpdateRow(msgspec.Struct, kw_only=True):
    """See ``bench.faults.row.Row``; the events are those of the gateway's own work meanwhile.

    Attributes:
        fault: Its name.
        promise: What must be true.
        injected: Kills, errors, hangs, full disks and cuts made.
        accepted: Events accepted by the spool.
        stored: Of those, still there.
        declared: Of those, given up openly, since the disk was full.
        lost: The rest.
        duplicates: Events that are there twice.
        failed: Trials in which anything promised was not kept.
        broken: The first few of them.
        took_s: All of it.
    """

    fault: str
    promise: str
    injected: int = 0
    accepted: int = 0
    stored: int = 0
    declared: int = 0
    lost: int = 0
    duplicates: int = 0
    failed: int = 0
    broken: list[str] = []
    took_s: float = 0.0
