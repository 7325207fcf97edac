"""One line of the report: all trials of one fault."""

from bench.counted import Counted


class UpdateRow(Counted, kw_only=True):
    """See ``bench.faults.row.Row``; the events are those of the gateway's own work meanwhile.

    Attributes:
        failed: Trials in which anything promised was not kept.
        took_s: All of it.
    """

    failed: int = 0
    took_s: float = 0.0
