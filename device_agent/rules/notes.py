"""The last word on every open rule, kept so that a restart goes on with it.

It is written before the event leaves; after a crash the last word is said once more, under the same episode id.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from contract.events import Episode
from device_agent.files import atomic_write

logger = logging.getLogger(__name__)


class RuleNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a restart needs.

    Attributes:
        said: The latest event; one that says ``closed`` was perhaps not heard.
        boot_id: Under which boot.
        onset_monotonic_ns: When it began, by that boot's clock.
    """

    said: Episode
    boot_id: str
    onset_monotonic_ns: int


class RuleNotes(Protocol):
    """The place for the notes of all rules. One thread at a time calls it."""

    def load(self) -> dict[str, RuleNote]:
        """By rule: what was kept last; empty where there is nothing that can be read."""

    def save(self, notes: Mapping[str, RuleNote]) -> None:
        """Keeps these in place of the last; durable on return. Raises ``OSError``."""


class FileRuleNotes:
    """In a file of the state folder, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, RuleNote]:
        """See ``RuleNotes``; a damaged file is logged and counts as none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, RuleNote])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            logger.warning("rules.notes_unreadable", extra={"path": str(self._path), "reason": str(exc)})
            return {}

    def save(self, notes: Mapping[str, RuleNote]) -> None:
        """See ``RuleNotes``; without any there is no file."""
        if notes:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self._path, msgspec.json.encode(notes))
        else:
            self._path.unlink(missing_ok=True)


class MemoryRuleNotes:
    """In memory, for tests."""

    def __init__(self) -> None:
        self._kept: dict[str, RuleNote] = {}

    def load(self) -> dict[str, RuleNote]:
        """See ``RuleNotes``."""
        return dict(self._kept)

    def save(self, notes: Mapping[str, RuleNote]) -> None:
        """See ``RuleNotes``."""
        self._kept = dict(notes)
