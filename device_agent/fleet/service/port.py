"""IoT Jobs as one thing sees it: what is next, what became of one execution, and saying how one goes.

What is pushed is a hint only, since pushes are doubled, late and lost; what is answered to a question is the truth.
Limits and codes: AWS IoT Developer Guide, "Jobs MQTT API", and the API reference of ``iotjobsdata``.

Not here: what follows from an answer (``device_agent.fleet.refusals``), topics and payloads (``messages``).
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Protocol

import msgspec

from device_agent.errors import ThresherError

ANSWER_S: Final = 15.0
"""So long a question may wait for its answer."""

OPEN: Final = frozenset({"QUEUED", "IN_PROGRESS"})
"""The statuses of an execution that is not over."""

Named = frozenset[tuple[str, int]]
"""Executions, by job id and execution number."""

Tell = Callable[[Named | None], None]
"""Gets a hint, on a thread that must not be held: what is not over, or ``None`` for "ask"."""


class JobsError(ThresherError):
    """A question was not answered by what it asked for."""


class UnansweredError(JobsError):
    """No link, or no answer in time. It may have been done all the same."""


class RefusedError(JobsError):
    """The service said no.

    Attributes:
        code: As the service names it, e.g. ``VersionMismatch``.
        state: The execution as it is, where the service says so.
    """

    def __init__(self, message: str, *, code: str, state: "State | None" = None) -> None:
        super().__init__(message)
        self.code = code
        self.state = state


class State(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How an execution is at the service.

    Attributes:
        status: ``QUEUED``, ``IN_PROGRESS``, or one that is over.
        version_number: Counts its changes, from 1.
    """

    status: str = ""
    version_number: int = 0


class Execution(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One execution of a job for this thing.

    Attributes:
        job_id: Of the job.
        execution_number: Which one of it; a retry counts on.
        status: See ``State``.
        version_number: See ``State``.
        queued_at: Unix seconds. A job that was deleted and made again under its id has another one.
        job_document: What is asked, as JSON values; ``None`` where it was not asked for.
    """

    job_id: str
    execution_number: int = 1
    status: str = "QUEUED"
    version_number: int = 0
    queued_at: float = 0
    job_document: Any = None


class Update(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a thing says of an execution.

    Attributes:
        status: ``IN_PROGRESS``, ``SUCCEEDED``, ``FAILED`` or ``REJECTED``.
        execution_number: Of which one.
        status_details: Fit for the service, see ``device_agent.fleet.details``.
        expected_version: Refused with ``VersionMismatch`` unless the execution has it; 0 for whichever.
        step_timeout_in_minutes: Over by itself as ``TIMED_OUT`` unless it is said again; 0 leaves it as it is.
    """

    status: str
    execution_number: int
    status_details: dict[str, str] = {}
    expected_version: int = 0
    step_timeout_in_minutes: int = 0


class JobsService(Protocol):
    """IoT Jobs, for one thing. Any thread may ask.

    Every question returns at once; its future fails with ``RefusedError`` or ``UnansweredError``. Whoever no longer
    waits for it cancels it.
    """

    @property
    def connects(self) -> int:
        """How often it was reached anew so far; negative while it cannot be asked."""

    def listen(self, tell: Tell) -> None:
        """Hints from now on. Call it once."""

    def describe(
        self, job_id: str = "", execution_number: int = 0, *, whole: bool = True
    ) -> "Future[Execution | None]":
        """One execution; without an id the next one that is not over, ``None`` where all are.

        ``whole`` asks for its document as well, which may be larger than what a nucleus lets through.
        """

    def update(self, job_id: str, update: Update) -> "Future[State]":
        """Says how one goes; the state it has then."""
