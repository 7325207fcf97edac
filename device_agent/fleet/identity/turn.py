"""The journal of a certificate's rotation, and what of it holds before anything connects.

| phase | what counts | after a kill | on a failure |
|---|---|---|---|
| asking | the old one | asked again, with the same key and request | undoing |
| trying | the new one | tried again; after ``MOST_STARTS`` starts the old one is back | undoing |
| confirming | the new one, for good: the broker took it | confirmed again | stays; the next job confirms first |
| undoing | the old one | undone again | undone |
| done | as ``outcome`` says | told again | |

Not here: the steps (``rotation``).
"""

import contextlib
import logging
from typing import Final, Literal

import msgspec

from device_agent.errors import SpoolError
from device_agent.fault_points import reach
from device_agent.files import SECRET, atomic_write
from device_agent.fleet.identity.store import Store

JOURNAL: Final = "rotation.json"
MOST_STARTS: Final = 3
"""A process that starts so often while a certificate is tried does not get far with it."""

Phase = Literal["asking", "trying", "confirming", "undoing", "done"]

logger = logging.getLogger(__name__)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One rotation.

    Attributes:
        job_id: Of the job.
        execution_number: Which execution of it.
        phase: Reached.
        old: The identity that counted before.
        new: The one that shall.
        certificate_id: Of the new one, from ``trying`` on.
        starts: Of the process while it was tried.
        reason: Why it was undone; empty while it was not.
    """

    job_id: str
    execution_number: int
    phase: Phase = "asking"
    old: str
    new: str
    certificate_id: str = ""
    starts: int = 0
    reason: str = ""

    def is_of(self, job_id: str, execution_number: int) -> bool:
        """Whether it is this execution's."""
        return (self.job_id, self.execution_number) == (job_id, execution_number)


class Journal:
    """Of the last rotation.

    Args:
        store: It lies beside the identities.
    """

    def __init__(self, store: Store) -> None:
        self._path = store.folder / JOURNAL

    def read(self) -> Turn | None:
        """The last one; ``None`` before the first."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode(self._path.read_bytes(), type=Turn)
        return None

    def write(self, turn: Turn) -> Turn:
        """Written before what it says is begun. Raises ``SpoolError`` if the disk does not take it."""
        reach(f"identity.rotate.{turn.phase}.before")
        try:
            atomic_write(self._path, msgspec.json.encode(turn), mode=SECRET)
        except OSError as exc:
            raise SpoolError(f"{self._path}: {exc.strerror or exc}", remedy="free space on its disk") from exc
        logger.info("identity.rotate", extra={"phase": turn.phase, "job": turn.job_id, "reason": turn.reason})
        reach(f"identity.rotate.{turn.phase}.after")
        return turn


def settle(store: Store) -> None:
    """Before a process connects: makes the identity count that the journal says.

    A certificate that is still on trial after a few starts is given up here, whatever became of its job.
    """
    journal = Journal(store)
    turn = journal.read()
    if turn is None:
        return
    if turn.phase == "trying":
        turn = msgspec.structs.replace(turn, starts=turn.starts + 1)
        if turn.starts > MOST_STARTS:
            reason = f"the process started {turn.starts} times while it was tried"
            turn = msgspec.structs.replace(turn, phase="undoing", reason=reason)
        with contextlib.suppress(SpoolError):  # a sick disk must not keep the gateway from connecting
            journal.write(turn)
    if turn.phase in ("trying", "confirming"):
        store.activate(turn.new)
    elif turn.phase in ("asking", "undoing"):
        store.activate(turn.old)
