"""An uplink that remembers when its link came and went: for whoever asks how long a gateway was away.

Not here: why (``Link.reason``).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future

import msgspec

from device_agent.clock import Clock
from device_agent.uplink.port import Deliver, Link, Uplink


class LinkHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Of one process; 0 for what has not happened.

    Attributes:
        last_connected_ms: Unix milliseconds, by this machine's clock.
        last_disconnected_ms: Same.
        last_away_ms: How long the last time without a link was, before it came back; monotonic.
        away_ms: All of them together, the running one included.
        losses: Times an established link went.
    """

    last_connected_ms: int = 0
    last_disconnected_ms: int = 0
    last_away_ms: int = 0
    away_ms: int = 0
    losses: int = 0


class ObservedUplink:
    """See ``device_agent.uplink.port.Uplink``: the same uplink, watched.

    Args:
        uplink: Not yet connected.
        clock: The time.
    """

    def __init__(self, uplink: Uplink, *, clock: Clock) -> None:
        self._uplink = uplink
        self._clock = clock
        self._history = LinkHistory()
        self._was = False
        self._changed_ms = self._now_ms()

    @property
    def link(self) -> Link:
        """See ``Uplink``."""
        return self._uplink.link

    @property
    def history(self) -> LinkHistory:
        """Until now."""
        history = self._history
        running = 0 if self._was else self._now_ms() - self._changed_ms
        return msgspec.structs.replace(history, away_ms=history.away_ms + running)

    def connect(self, hear: Mapping[str, Deliver], wake: Callable[[], None]) -> None:
        """See ``Uplink``."""

        def observe() -> None:
            self._observe(self._uplink.link)
            wake()

        self._changed_ms = self._now_ms()
        self._uplink.connect(hear, observe)

    def publish(self, topic: str, payload: bytes) -> Future[None]:
        """See ``Uplink``."""
        return self._uplink.publish(topic, payload)

    def close(self) -> None:
        """See ``Uplink``."""
        self._uplink.close()

    def _observe(self, link: Link) -> None:
        if link.connected == self._was:
            return
        now_ms, wall_ms, history = self._now_ms(), self._clock.wall_ms(), self._history
        passed, self._changed_ms, self._was = now_ms - self._changed_ms, now_ms, link.connected
        if link.connected:
            changes = {
                "last_connected_ms": wall_ms,
                "last_away_ms": passed,
                "away_ms": history.away_ms + passed,
            }
        else:
            changes = {"last_disconnected_ms": wall_ms, "losses": history.losses + 1}
        self._history = msgspec.structs.replace(history, **changes)

    def _now_ms(self) -> int:
        return self._clock.monotonic_ns() // 1_000_000
