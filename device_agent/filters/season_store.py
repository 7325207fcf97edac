"""Keeps a sensor's season over a restart; written once a day."""

import logging
from pathlib import Path
from typing import Protocol

import msgspec

from device_agent.files import atomic_write
from device_agent.filters.season import Course

logger = logging.getLogger(__name__)


class SeasonStore(Protocol):
    """One sensor's place for its course. The thread that filters the sensor calls it."""

    def load(self) -> Course | None:
        """The course kept last, or ``None`` where there is none that can be read."""

    def save(self, course: Course) -> None:
        """Keeps a course; durable on return. Raises ``OSError``."""


class FileSeasons:
    """In a file of the state folder, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Course | None:
        """See ``SeasonStore``; a damaged file is logged and counts as none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Course)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            logger.warning("season.unreadable", extra={"path": str(self._path), "reason": str(exc)})
            return None

    def save(self, course: Course) -> None:
        """See ``SeasonStore``."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, msgspec.json.encode(course))


class MemorySeasons:
    """In memory, for tests."""

    def __init__(self) -> None:
        self._kept: Course | None = None

    def load(self) -> Course | None:
        """See ``SeasonStore``."""
        return self._kept

    def save(self, course: Course) -> None:
        """See ``SeasonStore``."""
        self._kept = course
