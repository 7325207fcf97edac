"""The gateway's named shadow as the uppermost layer of its document: heard, judged, kept, and answered.

```
connected, or told of a change ─▶ get ─▶ desired ─▶ judge ─┬▶ good: <state_dir>/shadow.json ─▶ both processes see it
                                                           └▶ bad: not kept; reported: {refused: why}
what is kept ─▶ reported, so that the cloud sees no difference any more
```
A shadow is read as a whole after every change, so a message that is lost or late changes nothing. Each answer is
published once: a cloud that shows it otherwise than it was said is not answered for ever.
Source: AWS IoT Developer Guide, "Device Shadow MQTT topics" and "Device Shadow service documents".

Not here: what the document may hold (``device_agent.config``), taking the change (``device_agent.reloading``).
"""

import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from contract.topics import shadow_topic
from device_agent.errors import ConfigError, UplinkError
from device_agent.files import atomic_write
from device_agent.uplink.port import Deliver, Uplink

REFUSED: Final = "refused"
_LONGEST_REASON: Final = 300
_MOST_WAITING: Final = 8
_PATIENCE_S: Final = 0.5
_ANSWER_S: Final = 15.0

logger = logging.getLogger(__name__)

Values = Mapping[str, Any]
Judge = Callable[[Values], None]
"""Raises ``ConfigError`` for a layer that cannot be used."""


class _State(msgspec.Struct, frozen=True):
    desired: dict[str, Any] = {}
    reported: dict[str, Any] = {}


class _Shadow(msgspec.Struct, frozen=True):
    state: _State = _State()
    version: int = 0


class Desired:
    """Any thread may tell it; one works.

    Args:
        uplink: Asks and answers; connected by somebody else.
        gateway_id: Whose shadow.
        name: Of the shadow.
        path: Where the layer is kept.
        judge: See ``Judge``.

    Attributes:
        counters: What became of what was heard.
    """

    def __init__(self, uplink: Uplink, gateway_id: str, name: str, *, path: Path, judge: Judge) -> None:
        self._uplink = uplink
        self._gateway_id, self._name = gateway_id, name
        self._path = path
        self._judge = judge
        self._heard: queue.Queue[bytes] = queue.Queue(maxsize=_MOST_WAITING)
        self._ask = threading.Event()
        self._connects = 0
        self._said = b""
        self.counters = dict.fromkeys(("kept", "refused", "malformed", "unsaved", "unheard", "unanswered"), 0)

    def hears(self) -> dict[str, Deliver]:
        """For ``Uplink.connect``."""
        return {self._topic("get/accepted"): self._hear, self._topic("update/delta"): self._told}

    def run(self, stop: threading.Event) -> None:
        """The thread's work."""
        while not stop.is_set():
            link = self._uplink.link
            if link.connected and (link.connects != self._connects or self._ask.is_set()):
                self._connects = link.connects
                self._ask.clear()
                self._publish("get", b"")
            try:
                self._take(self._heard.get(timeout=_PATIENCE_S))
            except queue.Empty:
                continue

    def _told(self, _: bytes) -> None:
        self._ask.set()

    def _topic(self, what: str) -> str:
        return shadow_topic(self._gateway_id, self._name, what)

    def _hear(self, payload: bytes) -> None:
        try:
            self._heard.put_nowait(payload)
        except queue.Full:
            self.counters["unheard"] += 1

    def _take(self, payload: bytes) -> None:
        try:
            shadow = msgspec.json.decode(payload, type=_Shadow)
        except msgspec.DecodeError as exc:
            self.counters["malformed"] += 1
            logger.warning("desired.malformed", extra={"reason": str(exc)})
            return
        reason = self._keep(shadow.state.desired)
        wanted: Values = {REFUSED: reason[:_LONGEST_REASON]} if reason else shadow.state.desired
        base = {REFUSED: shadow.state.reported.get(REFUSED)} if reason else shadow.state.reported
        patch = difference(base, wanted)
        said = json.dumps(patch, sort_keys=True).encode()
        if patch and said != self._said:
            self._said = said
            self._publish("update", msgspec.json.encode({"state": {"reported": patch}}))

    def _keep(self, desired: Values) -> str:
        """Keeps it if it is another one and can be used; returns why not."""
        try:
            self._judge(desired)
            data = msgspec.json.encode(desired, order="deterministic")
            before = self._path.read_bytes() if self._path.exists() else b"{}"
            if before != data:
                atomic_write(self._path, data)
                self.counters["kept"] += 1
                logger.info("desired.kept", extra={"path": str(self._path)})
        except ConfigError as exc:
            self.counters["refused"] += 1
            logger.error("desired.refused", extra={"reason": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
            return str(exc)
        except OSError as exc:
            self.counters["unsaved"] += 1
            logger.error("desired.unsaved", extra={"reason": str(exc)})  # noqa: TRY400 - its sentence says it all
            return f"{self._path}: {exc.strerror or exc}"
        return ""

    def _publish(self, what: str, payload: bytes) -> None:
        try:
            self._uplink.publish(self._topic(what), payload).result(_ANSWER_S)
        except (UplinkError, TimeoutError) as exc:
            self.counters["unanswered"] += 1
            logger.warning("desired.unanswered", extra={"what": what, "reason": str(exc)})


def difference(present: Values, wanted: Values) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that turns one into the other."""
    patch: dict[str, Any] = {key: None for key in present if key not in wanted and present[key] is not None}
    for key, value in wanted.items():
        before = present.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            if inner := difference(before, value):
                patch[key] = inner
        elif before != value:
            patch[key] = value
    return patch
