"""The update machine, loaded while there is something for it to do.

```
order.json is not over, or the journal is not idle ─▶ machine on a thread ─▶ over ─▶ the supervisor begins anew
```
What verifies, downloads and unpacks costs 15 MiB. Beginning anew (exec(2)) gives them back, ends a machine that hangs,
and is the moment at which a new release's supervisor may take over.
"""

import contextlib
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from device_agent.fleet.probe import reading
from device_agent.fleet.probe.watch import WorkProbe
from device_agent.supervising.terms import Terms

if TYPE_CHECKING:
    from device_agent.fleet.update.machine import Machine

LOOK_EVERY: Final = 10
_JOIN_S: Final = 15.0
_APPLICATION: Final = "application/thresher"

logger = logging.getLogger(__name__)


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


def committed_release(folder: Path) -> str:
    """The release of the application that was committed last; empty for none."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        state = _state(folder)
        if state.phase == "idle" and _APPLICATION in state.installed:
            return state.installed[_APPLICATION].release
    return ""


def _state(folder: Path) -> _State:
    path = folder / "state.json"
    return msgspec.json.decode(path.read_bytes(), type=_State) if path.exists() else _State()


class Kept(Protocol):
    """The processes, as an update needs them."""

    @property
    def probe(self) -> WorkProbe:
        """Of their work."""

    def restart(self, *, within_s: float) -> bool:
        """See ``Supervising``."""


class Carrier:
    """Carries updates. One thread calls ``tick``.

    Args:
        document: The gateway's.
        terms: See there.
        kept: See there.

    Attributes:
        is_over: An update was carried, and there is nothing left to do.
        is_hung: A phase takes longer than any can.
    """

    def __init__(self, document: Path, terms: Terms, kept: Kept) -> None:
        self._document, self._terms, self._kept = document, terms, kept
        self._folder = terms.folder / "update"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._machine: Machine | None = None
        self._turn = 0
        self.is_over = self.is_hung = False

    def tick(self) -> None:
        """Looks whether there is something to do; about once a second."""
        self._turn += 1
        if self._turn % LOOK_EVERY or self.is_over:
            return
        wanted = is_wanted(self._folder)
        if self._thread is None:
            if wanted:
                self._begin()
        elif not self._thread.is_alive() or not wanted:
            self.is_over = True
        elif self._machine is not None and self._machine.is_overdue():
            logger.error("update.hung", extra={"phase": self.phase()})
            self.is_hung = self.is_over = True

    def phase(self) -> str:
        """Of the update that runs; empty where none does."""
        if self._thread is None:
            return ""
        with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return _state(self._folder).phase
        return "unknown"

    def end(self) -> None:
        """Has the machine stop where it is; the next process goes on."""
        self._stop.set()
        if self._thread is not None and not self.is_hung:
            self._thread.join(_JOIN_S)

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._work, name="update", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._machine = _assembled(self._document, self._terms, self._kept)
            self._machine.work(self._stop)
        except Exception:  # the top of a thread: processes go on, the next supervisor tries again
            logger.exception("update.failed")


def _assembled(document: Path, terms: Terms, kept: Kept) -> "Machine":
    from device_agent.config import load  # noqa: PLC0415 - see the module
    from device_agent.fleet.targets.standalone import refusal, targets_of  # noqa: PLC0415 - same
    from device_agent.fleet.trust.gateway import gateway_trust  # noqa: PLC0415 - same
    from device_agent.fleet.update.bootstrap import update_machine  # noqa: PLC0415 - same

    def is_episode_open() -> bool:
        said = reading.sensed(terms.folder)
        return said is not None and said.episode_open

    config = load(document)
    targets = targets_of(
        terms.folder, terms.install, document, restart=lambda within_s: kept.restart(within_s=within_s)
    )
    return update_machine(
        config,
        terms.folder,
        trust=gateway_trust(config),
        targets={kind: target for kind, target in targets.items() if not refusal(config, kind)},
        probe=kept.probe,
        episode_open=is_episode_open,
    )
