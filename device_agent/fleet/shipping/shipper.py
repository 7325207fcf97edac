"""Sends log lines, a message at a time, and forgets its place in them only after the broker took it.

```
every 30 s, with a link, below today's part of the budget ─▶ read ─▶ at least `level`? ─▶ pack ─▶ publish ─▶ place kept
                          above it: nothing is read, and waits where it is
```
A line may come twice after a power cut. What is gone before it was read is counted, and said as a line of its own.
Not here: the connection's own budget, which counts these bytes too (``device_agent.budget``).
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from contract.topics import logs_topic
from device_agent.budget import Budget
from device_agent.config.fleet_logs import LogsConfig
from device_agent.errors import UplinkError
from device_agent.files import atomic_write
from device_agent.fleet.shipping.lines import Line, is_at_least, packed
from device_agent.fleet.shipping.sources import Source
from device_agent.uplink.port import Deliver, Uplink

PLACES_FILE: Final = "logs-places.json"
BUDGET_FILE: Final = "logs-budget.json"
EVERY_S: Final = 30.0
KEEP_EVERY_S: Final = 900.0
_LOOK_EVERY_S: Final = 1.0
_ANSWER_S: Final = 15.0
_MOST_MESSAGES: Final = 20
"""In one turn of one source: a backlog goes in pieces."""

logger = logging.getLogger(__name__)


class Shipper:
    """See ``device_agent.uplink.beside.Beside``.

    Args:
        uplink: Connected by somebody else.
        gateway_id: The thing.
        config: What is sent.
        sources: Of lines.
        folder: For places.
        budget: Of these lines alone.
        topic: Where they are sent.
        wall_ms: Unix milliseconds.
        monotonic_s: Seconds, never going back.
    """

    def __init__(  # noqa: PLR0913 - ports and limits, each by its name
        self,
        uplink: Uplink,
        gateway_id: str,
        config: LogsConfig,
        *,
        sources: Sequence[Source],
        folder: Path,
        budget: Budget,
        wall_ms: Callable[[], int],
        topic: str = "",
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._uplink, self._gateway_id, self._config, self._sources = uplink, gateway_id, config, sources
        self._topic = topic or logs_topic(gateway_id)
        self._path, self._budget, self._wall_ms, self._now = folder / PLACES_FILE, budget, wall_ms, monotonic_s
        self._places = _read(self._path)
        self._due_s = self._keep_s = float("-inf")
        self._kept = dict(self._places)
        self._troubles: dict[str, str] = {}
        names = ("sent", "bytes", "below_level", "cut", "gaps", "unsent", "held", "unwritten", "unreadable")
        self._counters = {f"logs_{name}": 0 for name in names}

    @property
    def counters(self) -> Mapping[str, int]:
        """See ``Beside``."""
        return self._counters

    def hears(self) -> Mapping[str, Deliver]:
        """See ``Beside``: nothing."""
        return {}

    def run(self, stop: threading.Event) -> None:
        """See ``Beside``."""
        while not stop.wait(_LOOK_EVERY_S):
            self.step()
        self._budget.close()

    def step(self) -> None:
        """Sends what is due."""
        if self._now() < self._due_s or not self._uplink.link.connected:
            return
        self._due_s = self._now() + EVERY_S
        sent = self._counters["logs_sent"]
        for source in self._sources:
            if not self._ship(source):
                break
        if self._counters["logs_sent"] != sent or self._now() >= self._keep_s:
            self._keep()

    def _ship(self, source: Source) -> bool:
        """Sends what a source has; false where the budget or the link says no."""
        if not self._allows():
            return False
        piece = source.read(self._places.get(source.name, ""))
        self._say_trouble(source.name, piece.trouble)
        wanted = [each for each in piece.lines if is_at_least(each[0].level, self._config.level)]
        below = len(piece.lines) - len(wanted)
        if piece.gaps:
            wanted.insert(0, (self._gap(source.name), ""))
        for _ in range(_MOST_MESSAGES):
            if not wanted:
                break
            if not self._allows():
                return False
            message = packed([line for line, _ in wanted], self._gateway_id)
            if not self._publish(message.payload):
                return False
            self._count("sent", message.taken)
            self._count("cut", message.cut)
            self._places[source.name] = wanted[message.taken - 1][1] or self._places.get(source.name, "")
            del wanted[: message.taken]
        if not wanted:
            self._places[source.name] = piece.place
            self._count("below_level", below)
            self._count("gaps", piece.gaps)
        return True

    def _allows(self) -> bool:
        self._budget.tick(connected=False, connects=0)
        allowed = self._budget.allows("context")
        self._count("held", int(not allowed))
        return allowed

    def _publish(self, payload: bytes) -> bool:
        try:
            self._uplink.publish(self._topic, payload).result(_ANSWER_S)
        except (UplinkError, TimeoutError) as exc:
            self._count("unsent", 1)
            logger.info("logs.unsent", extra={"reason": str(exc)})  # never a line that is itself sent again and again
            return False
        self._budget.published(len(payload))
        self._count("bytes", len(payload))
        return True

    def _gap(self, source: str) -> Line:
        text = "lines before this one were gone before they were read"
        return Line(self._wall_ms(), "warning", source, text)

    def _say_trouble(self, source: str, trouble: str) -> None:
        """Once for each reason."""
        if trouble and trouble != self._troubles.get(source):
            self._count("unreadable", 1)
            remedy = "let the agent's user read it, e.g. by the group systemd-journal"
            logger.warning("logs.unreadable", extra={"source": source, "reason": trouble, "remedy": remedy})
        self._troubles[source] = trouble

    def _keep(self) -> None:
        """Rarely where nothing was sent: lines that are not wanted may be read again."""
        self._keep_s = self._now() + KEEP_EVERY_S
        if self._places == self._kept:
            return
        try:
            atomic_write(self._path, msgspec.json.encode(self._places))
        except OSError as exc:
            self._count("unwritten", 1)
            logger.info("logs.place_unwritten", extra={"path": str(self._path), "reason": str(exc)})
        else:
            self._kept = dict(self._places)

    def _count(self, name: str, more: int) -> None:
        self._counters[f"logs_{name}"] += more


def _read(path: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    return {}
