"""Keeps a sensor's reference over a restart."""

import logging
from pathlib import Path
from typing import Protocol

import msgspec

from device_agent.drift.reference import Reference
from device_agent.files import atomic_write

logger = logging.getLogger(__name__)


class ReferenceStore(Protocol):
    """One sensor's place for its reference. The thread that condenses the sensor calls it."""

    def load(self) -> Reference | None:
        """The reference kept last, or ``None`` where there is none that can be read."""

    def save(self, reference: Reference) -> None:
        """Keeps a reference; durable on return. Raises ``OSError``."""

    def clear(self) -> None:
        """Forgets it; nothing happens where there is none. Raises ``OSError``."""


class FileReferences:
    """In a file of the state folder, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Reference | None:
        """See ``ReferenceStore``; a damaged file is logged and counts as none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Reference)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            logger.warning("drift.reference_unreadable", extra={"path": str(self._path), "reason": str(exc)})
            return None

    def save(self, reference: Reference) -> None:
        """See ``ReferenceStore``."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, msgspec.json.encode(reference))

    def clear(self) -> None:
        """See ``ReferenceStore``."""
        self._path.unlink(missing_ok=True)


class MemoryReferences:
    """In memory, for tests and recordings."""

    def __init__(self) -> None:
        self._kept: Reference | None = None

    def load(self) -> Reference | None:
        """See ``ReferenceStore``."""
        return self._kept

    def save(self, reference: Reference) -> None:
        """See ``ReferenceStore``."""
        self._kept = reference

    def clear(self) -> None:
        """See ``ReferenceStore``."""
        self._kept = None
