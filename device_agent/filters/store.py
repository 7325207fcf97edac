"""Keeps a sensor's calibration over a restart, and hears when someone wants another one.

```
calibration-<sensor>.json    the calibration
calibration-<sensor>.again   someone asked to make it anew; the filter forgets the calibration first, then this
```
A calibration that does not fit any more (another model, other channels, another rate) is refused, and the filter
calibrates again: a threshold made for something else is worse than a minute of waiting.
"""

import logging
from pathlib import Path
from typing import Protocol

import msgspec

from device_agent.files import atomic_write, sync_folder
from device_agent.filters.calibration import Calibration
from device_agent.filters.wishes import ask_anew, wish_file

logger = logging.getLogger(__name__)


class CalibrationStore(Protocol):
    """One sensor's place for its calibration. The thread that filters the sensor calls it."""

    def load(self) -> Calibration | None:
        """The calibration kept last, or ``None`` where there is none that can be read."""

    def save(self, calibration: Calibration) -> None:
        """Keeps a calibration; durable on return.

        Raises:
            OSError: It cannot be written.
        """

    def is_unwanted(self) -> bool:
        """Whether someone asked for another calibration; cheap enough to ask every second."""

    def forget(self) -> None:
        """Forgets the calibration, and that someone asked.

        Raises:
            OSError: It cannot be removed.
        """


class FileCalibrations:
    """In a file of the state folder, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path, self._again = path, wish_file(path)

    def load(self) -> Calibration | None:
        """See ``CalibrationStore``; a damaged file is logged and counts as none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Calibration)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            logger.warning("calibration.unreadable", extra={"path": str(self._path), "reason": str(exc)})
            return None

    def save(self, calibration: Calibration) -> None:
        """See ``CalibrationStore``."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, msgspec.json.encode(calibration))

    def is_unwanted(self) -> bool:
        """See ``CalibrationStore``."""
        return self._again.exists()

    def forget(self) -> None:
        """See ``CalibrationStore``; a power cut on the way leaves the request, which is then heard again."""
        self._path.unlink(missing_ok=True)
        self._again.unlink(missing_ok=True)
        sync_folder(self._path.parent)

    def ask_anew(self) -> None:
        """See ``wishes.ask_anew``."""
        ask_anew(self._path)


class MemoryCalibrations:
    """In memory, for scoring a recording and for tests."""

    def __init__(self) -> None:
        self._kept: Calibration | None = None
        self._unwanted = False

    def load(self) -> Calibration | None:
        """See ``CalibrationStore``."""
        return self._kept

    def save(self, calibration: Calibration) -> None:
        """See ``CalibrationStore``."""
        self._kept = calibration

    def is_unwanted(self) -> bool:
        """See ``CalibrationStore``."""
        return self._unwanted

    def forget(self) -> None:
        """See ``CalibrationStore``."""
        self._kept, self._unwanted = None, False

    def ask_anew(self) -> None:
        """See ``FileCalibrations``."""
        self._unwanted = True
