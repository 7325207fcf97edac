"""What one supervisor leaves for the next: its children, and what it has counted.

The next one is itself anew (``renewal``), which takes the children over as they run, or another process after it was
killed: then the children are ending, and what does not end is ended. Written when a child starts or ends.
"""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from device_agent.files import atomic_write
from device_agent.fleet.restart_requests import NOTES_FILE
from device_agent.supervising.child import Child
from device_agent.supervising.ward import WardStatus

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """See the module.

    Attributes:
        boot_id: Process ids mean something under this boot only.
        supervisor: Process id of the one that wrote them.
        children: By name.
        wards: Likewise.
    """

    boot_id: str
    supervisor: int
    children: dict[str, Child] = {}
    wards: dict[str, WardStatus] = {}


def boot_id() -> str:
    """Of this boot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def read_notes(folder: Path) -> Notes | None:
    """Those of this boot."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        notes = msgspec.json.decode((folder / NOTES_FILE).read_bytes(), type=Notes)
        if notes.boot_id == boot_id():
            return notes
    return None


def write_notes(folder: Path, notes: Notes) -> bool:
    """Whether they could be written; without them only a supervisor that was killed leaves something behind."""
    try:
        atomic_write(folder / NOTES_FILE, msgspec.json.encode(notes), durable=False)
    except OSError:
        return False
    return True
