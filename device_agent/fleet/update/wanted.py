"""Whether the machine has anything to do, asked by whoever loads it only then: it costs 15 MiB.

Only as much of its files as that takes; what they hold is the machine's (``journal``, ``orders``).
"""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

_APPLICATION: Final = "application/thresher"


class _Release(msgspec.Struct, frozen=True):
    release: str = ""


class _State(msgspec.Struct, frozen=True):
    """``state.json``, as far as it is asked here."""

    phase: str = "idle"
    owed: dict[str, str] = {}
    ended: dict[str, object] = {}
    installed: dict[str, _Release] = {}


class _Order(msgspec.Struct, frozen=True):
    order_id: str


class _Asked(msgspec.Struct, frozen=True):
    order: _Order


def is_wanted(folder: Path) -> bool:
    """Whether an update is asked for, under way, or still to be gone back from.

    A journal that cannot be read is the machine's to judge.
    """
    path = folder / "order.json"
    try:
        state = _state(folder)
        order = msgspec.json.decode(path.read_bytes(), type=_Asked).order if path.exists() else None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return True
    return state.phase != "idle" or bool(state.owed) or (order is not None and order.order_id not in state.ended)


def phase_of(folder: Path) -> str:
    """The phase in the journal; ``unknown`` where that cannot be read."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return _state(folder).phase
    return "unknown"


def committed_release(folder: Path) -> str:
    """The release of the application that was committed last; empty for none, and while an update runs."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        state = _state(folder)
        if state.phase == "idle" and _APPLICATION in state.installed:
            return state.installed[_APPLICATION].release
    return ""


def _state(folder: Path) -> _State:
    path = folder / "state.json"
    return msgspec.json.decode(path.read_bytes(), type=_State) if path.exists() else _State()
