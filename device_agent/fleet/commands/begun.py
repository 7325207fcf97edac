"""What was begun and may be interrupted: one record, written before a program runs.

Not here: jobs and their journal (``engine``); this only says under which boot, and how often.
"""

from pathlib import Path
from typing import Final

import msgspec

from device_agent.files import atomic_write
from device_agent.fleet.port import Task

_FILE: Final = "command.json"


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A step that has begun.

    Attributes:
        task: Its key.
        boot_id: Of the boot it began under.
        times: How often it has begun.
    """

    task: str
    boot_id: str
    times: int = 1


class Record:
    """Keeps the last step that has begun.

    Args:
        folder: For what must survive; made where it is missing.
        boot_id: Of this boot.
    """

    def __init__(self, folder: Path, boot_id: str) -> None:
        self._path = folder / _FILE
        self._boot_id = boot_id

    def begin(self, task: Task) -> None:
        """Notes durably that a step begins under this boot."""
        before = self.of(task)
        begun = Begun(task=task.key, boot_id=self._boot_id, times=before.times + 1 if before else 1)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, msgspec.json.encode(begun))

    def of(self, task: Task) -> Begun | None:
        """What is known of a step; ``None`` if it never began, or its record is lost."""
        try:
            begun = msgspec.json.decode(self._path.read_bytes(), type=Begun)
        except (OSError, msgspec.DecodeError):
            return None
        return begun if begun.task == task.key else None

    def restarted_since(self, begun: Begun) -> bool:
        """Whether the machine has restarted since a step began."""
        return begun.boot_id != self._boot_id
