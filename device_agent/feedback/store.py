"""Keeps the feedback of a gateway, for the process that heeds it and over a restart.

The process that is connected writes it, the one that senses reads it: a file of the state folder is all they share.
"""

import logging
from pathlib import Path
from typing import Final, Protocol

from contract.errors import ContractError
from contract.feedback import NO_FEEDBACK, Feedback, decode_feedback, encode_feedback
from device_agent.files import atomic_write

logger = logging.getLogger(__name__)

FEEDBACK_FILE: Final = "feedback.json"
"""In the state folder."""

Stamp = tuple[int, int]
"""Another one whenever the content is another."""


class FeedbackStore(Protocol):
    """A gateway's place for its feedback. One process writes, others read."""

    def load(self) -> Feedback:
        """What was kept last; ``NO_FEEDBACK`` where there is none that can be read."""

    def save(self, feedback: Feedback) -> None:
        """Keeps it; durable on return. Raises ``OSError``."""

    def stamp(self) -> Stamp:
        """Changes with what ``load`` gives; cheap enough to ask every second."""


class FileFeedback:
    """In a file, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Feedback:
        """See ``FeedbackStore``; a damaged file is logged and counts as none."""
        try:
            return decode_feedback(self._path.read_bytes())
        except FileNotFoundError:
            return NO_FEEDBACK
        except (OSError, ContractError) as exc:
            logger.warning("feedback.unreadable", extra={"path": str(self._path), "reason": str(exc)})
            return NO_FEEDBACK

    def save(self, feedback: Feedback) -> None:
        """See ``FeedbackStore``."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, encode_feedback(feedback))

    def stamp(self) -> Stamp:
        """See ``FeedbackStore``."""
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_ino


class MemoryFeedback:
    """In memory, for tests."""

    def __init__(self, feedback: Feedback = NO_FEEDBACK) -> None:
        self._kept, self._writes = feedback, 0

    def load(self) -> Feedback:
        """See ``FeedbackStore``."""
        return self._kept

    def save(self, feedback: Feedback) -> None:
        """See ``FeedbackStore``."""
        self._kept = feedback
        self._writes += 1

    def stamp(self) -> Stamp:
        """See ``FeedbackStore``."""
        return self._writes, 0
