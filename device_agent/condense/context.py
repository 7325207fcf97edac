"""The raw scans around an episode's onset: a flight recorder; and, where everything is wanted, all of them.

```
scan ─▶ ring ─┬─(episode: the scans after have come)─▶ freeze ─▶ parts, if the hour's bytes allow
              └─(continuous: so many seconds have come)─▶ freeze ─▶ parts
```
Values travel lossless to the channel's resolution. Where an hour's bytes do not allow a whole span, it is halved about
the opening until they do, and counted.

Not here: how readings are packed (``parts``), when they are sent (``device_agent.spool``: after everything else).
"""

from collections.abc import Sequence
from typing import Final

from contract.codec import encode_event
from contract.readings import Context
from device_agent.condense.grid import Array, Grid
from device_agent.condense.moment import Moment
from device_agent.condense.parts import Parts
from device_agent.condense.ring import Frozen, Ring
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.config import ContextConfig
from device_agent.config.uplink import LITE_ENVELOPE_BYTES
from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel

MOST_VALUES: Final = 8_000_000
"""In the ring of one sensor: 64 MB."""

_ENVELOPE_WORDS: Final = LITE_ENVELOPE_BYTES - MAX_EVENT_BYTES

_HOUR_NS: Final = 3_600_000_000_000


class _Waiting:
    """An episode whose later scans are still to come."""

    def __init__(self, episode: str, before: int, missing: int) -> None:
        self.episode, self.before, self.missing, self.after = episode, before, missing, 0


class HourlyBytes:
    """How much may still be sent in this hour, by the boot's clock.

    Args:
        limit: Bytes an hour; 0 for no limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._spent, self._began_ns = limit, 0, -_HOUR_NS

    def spend(self, size: int, now_ns: int) -> bool:
        """Whether so much may be sent; then it is taken off."""
        if now_ns - self._began_ns >= _HOUR_NS:
            self._began_ns, self._spent = now_ns, 0
        if self._limit and self._spent + size > self._limit:
            return False
        self._spent += size
        return True


class ContextRing:
    """One sensor's latest raw scans.

    Args:
        sensor: Its name.
        channels: In the order of the scans' values.
        grid: Their resolutions.
        span: What is wanted.
        rate_hz: Scans a second.
        envelope_bytes: An event and the words around it are no longer.

    Attributes:
        shortened: How often a span had to be halved to stay within an hour's bytes.
        refused: Contexts of which nothing was within them.

    Raises:
        ConfigError: The span is too long for this sensor.
    """

    def __init__(
        self,
        sensor: str,
        channels: Sequence[Channel],
        grid: Grid,
        *,
        span: ContextConfig,
        rate_hz: float,
        envelope_bytes: int = LITE_ENVELOPE_BYTES,
    ) -> None:
        self._before = max(span.before_scans, round(span.before_s * rate_hz))
        self._after = max(span.after_scans, round(span.after_s * rate_hz))
        self._every = max(1, round(span.continuous_s * rate_hz)) if span.continuous_s else 0
        scans = max(self._before + self._after, self._every)
        if scans * len(channels) > MOST_VALUES:
            raise ConfigError(
                f"context: {scans} scans of the {len(channels)} channels of sensor {sensor!r}",
                remedy=f"ask for a shorter span: at most {MOST_VALUES // len(channels)} scans at {rate_hz:g} Hz",
            )
        self._ring = Ring(scans, len(channels))
        self._parts = Parts(sensor, channels, grid, rate_hz, event_bytes=envelope_bytes - _ENVELOPE_WORDS)
        self._budget = HourlyBytes(span.max_bytes_per_hour)
        self._waiting: list[_Waiting] = []
        self._unsent = 0
        self.shortened = self.refused = 0

    @property
    def dropped(self) -> int:
        """Channels left out, because not even one block of them fits an event."""
        return self._parts.dropped

    def push(self, at: Moment, values: Array) -> list[Context]:
        """Takes a scan, NaN for a gap; returns the contexts that are complete with it."""
        if not self._ring.capacity:
            return []
        self._ring.push(at, values)
        return self._advance(1)

    def push_block(self, scans: Frozen) -> list[Context]:
        """Takes neighbouring scans at once; returns what ``push`` would, one after the other."""
        made: list[Context] = []
        taken, count = 0, len(scans.monotonic_ns) if self._ring.capacity else 0
        while taken < count:
            awaited = [waiting.missing for waiting in self._waiting]
            step = min(count - taken, self._ring.capacity, *awaited, self._every - self._unsent or self._ring.capacity)
            self._ring.extend(scans.part(slice(taken, taken + step)))
            made += self._advance(step)
            taken += step
        return made

    def _advance(self, scans: int) -> list[Context]:
        """So many scans more have come, none beyond the next that completes something."""
        made = self._continuous(scans) if self._every else []
        if not self._waiting:
            return made
        for waiting in self._waiting:
            waiting.missing -= scans
            waiting.after += scans
        complete = [waiting for waiting in self._waiting if waiting.missing <= 0]
        self._waiting = [waiting for waiting in self._waiting if waiting.missing > 0]
        return made + [context for waiting in complete for context in self._of(waiting)]

    def open(self, episode: str) -> list[Context]:
        """An episode opened with the latest scan; returns its context if no later scan is wanted."""
        if not self._before + self._after:
            return []
        waiting = _Waiting(episode, min(self._before, len(self._ring)), self._after)
        if not waiting.missing:
            return self._of(waiting)
        self._waiting.append(waiting)
        return []

    def finish(self) -> list[Context]:
        """Contexts still waiting, with what there is."""
        waiting, self._waiting = self._waiting, []
        rest = self._rest() if self._unsent else []
        return rest + [context for one in waiting for context in self._of(one)]

    def _continuous(self, scans: int) -> list[Context]:
        self._unsent += scans
        return self._rest() if self._unsent >= self._every else []

    def _rest(self) -> list[Context]:
        scans, self._unsent = self._unsent, 0
        return self._parts.of(self._ring.freeze(scans), "")

    def _of(self, waiting: _Waiting) -> list[Context]:
        before, after = waiting.before, waiting.after
        if not before + after:
            return []
        frozen = self._ring.freeze(before + after)
        now_ns = int(frozen.monotonic_ns[-1])
        while before + after:
            parts = self._parts.of(frozen, waiting.episode)
            if self._budget.spend(sum(len(encode_event(part)) for part in parts), now_ns):
                return parts
            self.shortened += 1
            frozen = frozen.part(slice(before - before // 2, before + after // 2))
            before, after = before // 2, after // 2
        self.refused += 1
        return []
