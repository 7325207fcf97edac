"""A Greengrass nucleus's key and certificate. No key is ever seen here: a helper of root's makes and installs it.

```
helper: csr ─▶ cloud: certificate ─▶ helper: install, restarts the nucleus and us ─▶ cloud answers ─▶ helper: commit
                                                     └──── no commit in time ────▶ helper: the old paths are back
```
The cloud's answer names the certificate that its question came by: the new one's name is proof that it works. Only then
we commit, and only then the cloud is told to let the old certificate go: a helper that restores never restores one
that is gone. Not here: the helper (``nucleus_helper``), which imports nothing of this project.
"""

import os
import time
from pathlib import Path
from typing import Final, Literal

import msgspec

from device_agent.config import GatewayConfig
from device_agent.errors import UpdateError
from device_agent.fault_points import reach
from device_agent.files import atomic_write
from device_agent.fleet.identity.desk import TopicDesk
from device_agent.fleet.identity.pair import Means, kept_request
from device_agent.fleet.identity.rotation import ASK_S, Rotation
from device_agent.fleet.identity.store import CERTIFICATE, FOLDER, Store
from device_agent.fleet.identity.turn import Turn
from device_agent.uplink.credentials import certificate_id
from device_agent.uplink.port import Uplink

HELPER: Final = "/var/lib/thresher/identity"
ANSWER_S: Final = 900.0
"""Longer than the helper waits for a commit before it restores."""

_LOOK_S: Final = 0.2
_OVERRIDDEN: Final = "do its configuration database or a file in config.d name the certificate, too?"
_REMEDY: Final = "is thresher-nucleus-identity.path active? see docs/identity.md"
Word = Literal["csr", "install", "commit"]


class HelperAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the helper says.

    Attributes:
        id: Of the pair it is about.
        verb: What was asked.
        csr: A certificate request, PEM.
        state: ``installed``, ``committed`` or ``restored``.
        why: It was restored.
        refused: Why nothing was done; empty if it was.
    """

    id: str = ""
    verb: str = ""
    csr: str = ""
    state: str = ""
    why: str = ""
    refused: str = ""


class FileHelper:
    """Asks the helper by a folder: ``in`` is ours, ``out`` is root's; systemd starts it when ``in`` changes.

    Args:
        exchange: The folder.
        answer_s: How long an answer may take.
    """

    def __init__(self, exchange: Path, *, answer_s: float = ANSWER_S) -> None:
        self._in = exchange / "in" / "request.json"
        self._out = exchange / "out" / "answer.json"
        self._answer_s = answer_s

    def ask(self, verb: Word, name: str, means: Means, *, certificate: str = "") -> HelperAnswer:
        """Asks, and waits.

        Raises:
            UpdateError: The helper refused, or did not answer.
        """
        asked = {"id": name, "verb": verb, "certificate": certificate}
        atomic_write(self._in, msgspec.json.encode(asked))
        reach(f"identity.helper.{verb}")
        deadline = time.monotonic() + self._answer_s
        while time.monotonic() < deadline:
            answer = self.said()
            if (answer.id, answer.verb) == (name, verb):
                if answer.refused:
                    raise UpdateError(f"the nucleus's helper: {answer.refused}", remedy=_REMEDY)
                return answer
            means.go_on()
            time.sleep(_LOOK_S)
        raise UpdateError(f"the nucleus's helper: no answer within {self._answer_s:.0f} s", remedy=_REMEDY)

    def said(self) -> HelperAnswer:
        """Its last answer, whatever it was about."""
        try:
            return msgspec.json.decode(self._out.read_bytes(), type=HelperAnswer)
        except (OSError, msgspec.DecodeError):
            return HelperAnswer()

    def obstacle(self) -> str:
        """Why it cannot be asked; empty if it can."""
        if os.access(self._in.parent, os.W_OK | os.X_OK) and self._out.parent.is_dir():
            return ""
        return f"the nucleus owns this gateway's certificate, and {self._in.parent} is not there: see docs/identity.md"


class NucleusPair:
    """See ``Pair``.

    Args:
        helper: Root's.
        store: Holds certificates and requests, no keys.
    """

    def __init__(self, helper: FileHelper, store: Store) -> None:
        self._helper = helper
        self._store = store

    def take(self, turn: Turn, means: Means) -> str:
        """See ``Pair``."""
        folder = self._store.place(turn.new)
        request = kept_request(folder, lambda: self._helper.ask("csr", turn.new, means).csr)
        self._store.keep(turn.new, CERTIFICATE, means.ask(request).certificate.encode())
        return certificate_id(folder / CERTIFICATE)

    def prove(self, turn: Turn, means: Means) -> None:
        """See ``Pair``. The nucleus restarts within, and mostly this process with it: then it is called again."""
        folder = self._store.place(turn.new)
        certificate = (folder / CERTIFICATE).read_text(encoding="ascii")
        _demand(self._helper.ask("install", turn.new, means, certificate=certificate), ("installed", "committed"))
        if means.ask(kept_request(folder, str)).asked_by != turn.certificate_id:
            raise UpdateError("the nucleus runs, and connects with another certificate still", remedy=_OVERRIDDEN)
        reach("identity.helper.proven")
        _demand(self._helper.ask("commit", turn.new, means), ("committed",))

    def back(self, turn: Turn, means: Means) -> None:
        """See ``Pair``. The helper does it by itself, where nobody commits; it is waited for."""
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            answer = self._helper.said()
            if answer.id != turn.new or answer.state != "installed":
                return
            means.go_on()
            time.sleep(_LOOK_S)

    def clean(self, turn: Turn) -> None:
        """See ``Pair``. Keys are the helper's."""
        self._store.forget(turn.new)


def _demand(answer: HelperAnswer, states: tuple[str, ...]) -> None:
    if answer.state not in states:
        raise UpdateError(f"the nucleus went back to its old certificate: {answer.why}", remedy="read its log")


def nucleus_rotation(
    config: GatewayConfig, folder: Path, uplink: Uplink, *, ask_s: float = ASK_S, answer_s: float | None = None
) -> Rotation:
    """Where a nucleus has it. ``folder`` is the component's own."""
    exchange = Path(config.fleet.identity.helper or HELPER)
    helper = FileHelper(exchange) if answer_s is None else FileHelper(exchange, answer_s=answer_s)
    store = Store(folder / FOLDER)
    desk = TopicDesk(uplink, config.gateway)
    return Rotation(NucleusPair(helper, store), store, desk=desk, obstacle=helper.obstacle, ask_s=ask_s)
