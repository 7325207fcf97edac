"""The last word on a sensor's episode, kept so that a restart goes on with it.

Without it an episode that was open when the process ended would stay open in the cloud for ever. It is written
before the event leaves; after a crash the last word is said once more, under the same episode id.
"""

import logging
from pathlib import Path
from typing import Protocol

import msgspec

from contract.events import Episode
from device_agent.files import atomic_write

logger = logging.getLogger(__name__)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a restart needs.

    Attributes:
        said: The latest event of the episode.
        boot_id: Under which boot.
        onset_monotonic_ns: When it began, by that boot's clock.
        sigma: Deviation of the top channel at the peak, in calibrated spreads.
    """

    said: Episode
    boot_id: str
    onset_monotonic_ns: int
    sigma: float


class EpisodeNotes(Protocol):
    """One sensor's place for its note. The thread that condenses the sensor calls it."""

    def load(self) -> Note | None:
        """The note kept last, or ``None`` where there is none that can be read."""

    def save(self, note: Note) -> None:
        """Keeps a note in place of the last; durable on return. Raises ``OSError``."""

    def clear(self) -> None:
        """Forgets the note; nothing happens where there is none. Raises ``OSError``."""


class FileNotes:
    """In a file of the state folder, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Note | None:
        """See ``EpisodeNotes``; a damaged file is logged and counts as none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Note)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            logger.warning("episode.note_unreadable", extra={"path": str(self._path), "reason": str(exc)})
            return None

    def save(self, note: Note) -> None:
        """See ``EpisodeNotes``."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, msgspec.json.encode(note))

    def clear(self) -> None:
        """See ``EpisodeNotes``."""
        self._path.unlink(missing_ok=True)


class MemoryNotes:
    """In memory, for scoring a recording and for tests."""

    def __init__(self) -> None:
        self._kept: Note | None = None

    def load(self) -> Note | None:
        """See ``EpisodeNotes``."""
        return self._kept

    def save(self, note: Note) -> None:
        """See ``EpisodeNotes``."""
        self._kept = note

    def clear(self) -> None:
        """See ``EpisodeNotes``."""
        self._kept = None
