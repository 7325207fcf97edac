"""What the jobs of a gateway are doing, as a file for this machine and as counters."""

from typing import Final

import msgspec

STATUS_FILE: Final = "fleet-status.json"


class FleetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fleet-status.json`` holds, since the start.

    Attributes:
        job: What is at work; empty while nothing is.
        execution: Which one of it.
        progress: What it said last, as its sender sees it.
        untold: Jobs that are over, and whose end the cloud does not know yet.
        last_job: The last one whose end is known, here and in the cloud.
        last_status: How it ended.
        last_reason: Why, for a person; empty on success.
        counters: What became of what was heard, by name.
        trouble: Why no job can be taken now; empty while one can.
    """

    job: str = ""
    execution: int = 0
    progress: dict[str, str] = {}
    untold: list[str] = []
    last_job: str = ""
    last_status: str = ""
    last_reason: str = ""
    counters: dict[str, int] = {}
    trouble: str = ""
