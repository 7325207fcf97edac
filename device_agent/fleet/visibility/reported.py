"""Keeps the ``reported`` part of a named shadow of this thing as it is said to be.

```
connected ─▶ get ─▶ accepted: what it says │ rejected, 404: nothing yet
              every few seconds: what is ─▶ differs? ─▶ update (at most once a minute) ─▶ accepted: what it says
```
What is no longer said is taken out of the shadow. A shadow that somebody else changed is read anew with the next
connection. Source: AWS IoT Developer Guide, "Device Shadow MQTT topics"; a document is 8 KB at most.

Not here: what is said (``content``), what a shadow wants of the gateway (``device_agent.desired``).
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from contract.topics import shadow_topic
from device_agent.desired import Values, difference
from device_agent.errors import UplinkError
from device_agent.uplink.port import Deliver, Uplink

AT_MOST_EVERY_S: Final = 60.0
LARGEST_BYTES: Final = 8000
_LOOK_EVERY_S: Final = 5.0
_ANSWER_S: Final = 15.0
_ASK_AGAIN_S: Final = 30.0
_MOST_WAITING: Final = 8

logger = logging.getLogger(__name__)


class _State(msgspec.Struct, frozen=True):
    reported: dict[str, Any] = {}


class _Shadow(msgspec.Struct, frozen=True):
    state: _State = _State()


class _Refusal(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class Paper(NamedTuple):
    """One shadow.

    Attributes:
        name: Of it, e.g. ``state`` or ``$package``.
        content: What it is to say now.
    """

    name: str
    content: Callable[[], Values]


class Reported:
    """Uses the agent's connection beside the forwarder (``device_agent.uplink.beside.Beside``).

    Args:
        uplink: Connected by somebody else.
        gateway_id: The thing.
        paper: The shadow.
        monotonic_s: Seconds, never going back.

    Attributes:
        counters: What became of what was said.
    """

    def __init__(
        self, uplink: Uplink, gateway_id: str, paper: Paper, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._uplink, self._gateway_id, self._paper, self._now = uplink, gateway_id, paper, monotonic_s
        self._prefix = f"shadow_{paper.name.strip('$')}_"
        self._answers: queue.Queue[tuple[str, bytes]] = queue.Queue(maxsize=_MOST_WAITING)
        self._known: Values | None = None
        self._connects = 0
        self._asked_s = self._said_s = float("-inf")
        self.counters = {self._prefix + name: 0 for name in ("said", "refused", "unanswered", "unheard", "too_large")}

    def hears(self) -> Mapping[str, Deliver]:
        """For ``Uplink.connect``."""
        answers = ("get/accepted", "get/rejected", "update/rejected")
        return {self._topic(what): self._hearing(what) for what in answers}

    def run(self, stop: threading.Event) -> None:
        """The thread's work."""
        while not stop.wait(_LOOK_EVERY_S):
            self.step()

    def step(self) -> None:
        """Heeds what was answered, then says what has changed."""
        link = self._uplink.link
        if not link.connected:
            return
        if link.connects != self._connects:
            self._connects, self._known, self._asked_s = link.connects, None, float("-inf")
        while not self._answers.empty():
            self._heed(*self._answers.get_nowait())
        if self._known is None:
            if self._now() - self._asked_s >= _ASK_AGAIN_S:
                self._asked_s = self._now()
                self._publish("get", b"")
        elif self._now() - self._said_s >= AT_MOST_EVERY_S:
            self._say(self._known)

    def _say(self, known: Values) -> None:
        wanted = self._paper.content()
        patch = difference(known, wanted)
        if not patch:
            return
        message = msgspec.json.encode({"state": {"reported": patch}})
        self._said_s = self._now()
        if len(message) > LARGEST_BYTES:
            self._count("too_large")
            logger.error("shadow.too_large", extra={"shadow": self._paper.name, "bytes": len(message)})
        elif self._publish("update", message):
            self._count("said")
            self._known = wanted

    def _heed(self, what: str, payload: bytes) -> None:
        refusal = _decoded(payload, _Refusal)
        if what == "get/accepted":
            self._known = _decoded(payload, _Shadow).state.reported
        elif what == "get/rejected" and refusal.code == 404:  # noqa: PLR2004 - HTTP's: there is no such shadow yet
            self._known = {}
        else:
            self._count("refused")
            self._known = None  # asked anew: what it says now is not known
            why = {"shadow": self._paper.name, "reason": refusal.message, "remedy": "allow it in the IoT policy"}
            logger.warning("shadow.refused", extra=why)

    def _hearing(self, what: str) -> Deliver:
        def hear(payload: bytes) -> None:
            try:
                self._answers.put_nowait((what, payload))
            except queue.Full:
                self._count("unheard")

        return hear

    def _topic(self, what: str) -> str:
        return shadow_topic(self._gateway_id, self._paper.name, what)

    def _publish(self, what: str, payload: bytes) -> bool:
        try:
            self._uplink.publish(self._topic(what), payload).result(_ANSWER_S)
        except (UplinkError, TimeoutError) as exc:
            self._count("unanswered")
            logger.warning("shadow.unanswered", extra={"shadow": self._paper.name, "what": what, "reason": str(exc)})
            return False
        return True

    def _count(self, name: str) -> None:
        self.counters[self._prefix + name] += 1


def _decoded(payload: bytes, kind: type[Any]) -> Any:  # noqa: ANN401 - an instance of ``kind``
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return kind()
