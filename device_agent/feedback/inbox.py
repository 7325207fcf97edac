"""Feedback on its way in: heard from the cloud, kept if it is newer than what is known.

What arrives twice, late or damaged changes nothing and is counted. What cannot be written now is not lost: the cloud
says it again as long as this gateway's Health names an older version.
"""

import logging
import queue
import threading
from collections import Counter
from typing import Final

import msgspec

from contract.errors import ContractError
from contract.feedback import decode_feedback
from device_agent.feedback.store import FeedbackStore

logger = logging.getLogger(__name__)

_MOST_WAITING: Final = 16
_PATIENCE_S: Final = 1.0


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the messages so far.

    Attributes:
        kept: Newer than what was known.
        stale: Not newer.
        malformed: Could not be read, or out of bounds.
        unsaved: Could not be written.
        unheard: Dropped, because too many came at once.
    """

    kept: int = 0
    stale: int = 0
    malformed: int = 0
    unsaved: int = 0
    unheard: int = 0


class Inbox:
    """Any thread may tell it; one keeps.

    Args:
        store: Where to.
    """

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store
        self._waiting: queue.Queue[bytes] = queue.Queue(maxsize=_MOST_WAITING)
        self._counts: Counter[str] = Counter()

    @property
    def heard(self) -> Heard:
        """What became of the messages so far."""
        return Heard(**self._counts)

    def hear(self, payload: bytes) -> None:
        """Takes a message; never blocks."""
        try:
            self._waiting.put_nowait(payload)
        except queue.Full:
            self._counts["unheard"] += 1

    def run(self, stop: threading.Event) -> None:
        """The thread's work: keeps what was heard until ``stop``."""
        while not stop.is_set():
            try:
                payload = self._waiting.get(timeout=_PATIENCE_S)
            except queue.Empty:
                continue
            self._keep(payload)

    def _keep(self, payload: bytes) -> None:
        try:
            feedback = decode_feedback(payload)
        except ContractError as exc:
            self._counts["malformed"] += 1
            logger.warning("feedback.malformed", extra={"reason": str(exc)})
            return
        if feedback.version <= self._store.load().version:
            self._counts["stale"] += 1
            return
        try:
            self._store.save(feedback)
        except OSError as exc:
            self._counts["unsaved"] += 1
            logger.warning("feedback.unsaved", extra={"version": feedback.version, "reason": str(exc)})
            return
        self._counts["kept"] += 1
        logger.info("feedback.kept", extra={"version": feedback.version, "thresholds": len(feedback.thresholds)})
