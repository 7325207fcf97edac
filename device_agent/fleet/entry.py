"""What a gateway knows of one execution of a job: one small document, written before each act.

Not here: where it is kept (``journal``), what follows from it after a restart (``recovery``).
"""

from typing import Any, Final, Literal

import msgspec

Phase = Literal["received", "claimed", "begun", "over", "told"]
"""In this order; ``claimed`` and ``begun`` once for each step."""

Status = Literal["", "SUCCEEDED", "FAILED", "REJECTED"]
Key = tuple[str, int]

OPEN_PHASES: Final = frozenset({"received", "claimed", "begun"})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One execution.

    Attributes:
        job_id: Of the job.
        execution_number: Which one of it: a retry by the service is another execution, and is carried out.
        queued_at: Unix seconds, as the service says; tells a job from an earlier one under the same id.
        order: Counts on from execution to execution.
        phase: How far it is.
        step: The step that is to begin or has begun.
        document: As it was sent, presigned URLs included; nothing any more when it is over.
        taken_back: Why the cloud no longer wants it, e.g. ``CANCELED``; empty while it does.
        status: How it ended; empty before.
        details: What its sender is told then, and what its steps said so far; fit for the service.
        end: What became of telling it: ``accepted``, or why nobody was told.
    """

    job_id: str
    execution_number: int
    queued_at: float = 0
    order: int = 0
    phase: Phase = "received"
    step: int = 0
    document: Any = None
    taken_back: str = ""
    status: Status = ""
    details: dict[str, str] = {}
    end: str = ""

    @property
    def key(self) -> Key:
        """What identifies it."""
        return self.job_id, self.execution_number

    def begins(self, step: int) -> "Entry":
        """Before the act of a step."""
        return msgspec.structs.replace(self, phase="begun", step=step)

    def awaits(self, step: int, details: dict[str, str]) -> "Entry":
        """Before ``step``, and after all acts of the one before, of which there are these details."""
        return msgspec.structs.replace(self, phase="claimed", step=step, details=details)

    def ends(self, status: Status, details: dict[str, str]) -> "Entry":
        """Nothing more is done; its sender is to be told."""
        return msgspec.structs.replace(self, phase="over", document=None, status=status, details=details)

    def settles(self, end: str) -> "Entry":
        """Nothing more is said."""
        return msgspec.structs.replace(self, phase="told", document=None, end=end)
