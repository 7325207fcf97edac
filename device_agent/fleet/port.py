"""What carries out the steps of a job, and what it is told.

The engine owns jobs: their journal, their status, when they are over. A performer owns one kind of action and knows
nothing of IoT Jobs. Not here: which performers there are (``bootstrap``), documents (``contract.jobs``).
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from contract.jobs import Action


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a step ended.

    Attributes:
        status: ``SUCCEEDED``; ``FAILED`` where another try may help; ``REJECTED`` where none ever will.
        reason: For a person: what failed, on what, what to try. Empty on success.
        details: More for the job's status, by short names; values are made fit by the engine.
    """

    status: Literal["SUCCEEDED", "FAILED", "REJECTED"]
    reason: str = ""
    details: dict[str, str] = {}


class Interrupted(Exception):  # noqa: N818 - nothing failed: the process ends, and the step goes on in the next one
    """The process is told to end while a step runs; ``resume`` is called when it runs again."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one execution.

    Attributes:
        job_id: Of the job.
        execution_number: Which execution of it; a retry by the service counts on.
        step: Its place in the document, from 0.
        queued_at: Unix seconds, as the service says; tells a job from an earlier one under the same id.
        action: What is asked.
        cancelled: Set when the cloud takes the job back: undo, and return.
        stop: Set when the process ends: raise ``Interrupted`` soon.
        tell: Says in a word or two how far it is, e.g. ``"downloading"``, with details; it may be said often.
        renew: Asks the cloud for the document anew and returns the same action with fresh presigned URLs. Raises
            ``ThresherError`` where the cloud cannot be asked now, or no longer has it.
    """

    job_id: str
    execution_number: int
    step: int
    action: Action
    cancelled: threading.Event
    stop: threading.Event
    tell: Callable[[str, dict[str, str]], None]
    renew: Callable[[], Action]
    queued_at: float = 0

    @property
    def key(self) -> str:
        """Of this step and of no other one, ever, fit for a file's name: what performers keep their records by."""
        return f"{self.job_id}.{self.execution_number}.{self.step}.{self.queued_at:.0f}"


class Performer(Protocol):
    """Carries out one kind of action. One thread at a time."""

    def refusal(self, action: Action) -> str:
        """Why this can never be done here, for a person; empty if it can. Asked of all steps before the first."""

    def perform(self, task: Task) -> Outcome:
        """Does it; blocks, in bounded time.

        Raises:
            Interrupted: The process ends.
        """

    def resume(self, task: Task) -> Outcome:
        """The same after the process ended in the middle, by whatever cause: goes on, or says that it is undone.

        Raises:
            Interrupted: The process ends again.
        """


Performers = Mapping[type[Any], Performer]
"""By the type of the action."""
