"""What another process asks of the supervisor: to restart everything. One file; what was done stands in another.

```
agent: restart-asked.json ─▶ supervisor: restarts, then restart-done.json ─▶ the agent that was started anew: done
```
Not here: the job that asks for it (``device_agent.fleet.restarting``).
"""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from device_agent.files import atomic_write

ASKED_FILE: Final = "restart-asked.json"
DONE_FILE: Final = "restart-done.json"
NOTES_FILE: Final = "supervise-notes.json"
"""What a supervisor leaves for the next one; see ``device_agent.supervising.notes``."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request.

    Attributes:
        request: Its id; the same one is carried out once.
    """

    request: str


class _Notes(msgspec.Struct, frozen=True):
    supervisor: int


def is_supervised(folder: Path) -> bool:
    """Whether a supervisor works there, also one that is just beginning anew: it keeps its process id."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        notes = msgspec.json.decode((folder / NOTES_FILE).read_bytes(), type=_Notes)
        return b"supervise" in Path(f"/proc/{notes.supervisor}/cmdline").read_bytes().split(b"\0")
    return False


def ask(folder: Path, request: str) -> None:
    """Asks, durably.

    Raises:
        OSError: It cannot be written.
    """
    atomic_write(folder / ASKED_FILE, msgspec.json.encode(Asked(request=request)))


def withdraw(folder: Path) -> None:
    """Asks no longer."""
    with contextlib.suppress(OSError):
        (folder / ASKED_FILE).unlink()


def asked(folder: Path) -> str:
    """What is asked and not yet done; empty for nothing."""
    wanted = _read(folder / ASKED_FILE)
    return "" if wanted == done(folder) else wanted


def done(folder: Path) -> str:
    """The last request that was carried out."""
    return _read(folder / DONE_FILE)


def note_done(folder: Path, request: str) -> None:
    """Notes it, durably, *before* processes are restarted: a restart that is asked for is made at most once.

    Raises:
        OSError: It cannot be written.
    """
    atomic_write(folder / DONE_FILE, msgspec.json.encode(Asked(request=request)))


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Asked).request
    return ""
