"""The probe of the update machine: it looks all the time, so that it knows what was normal before anything changed.

```
look every few seconds ─┬▶ the last ten minutes ─▶ before(): what is normal
                        └▶ since begin(), thinned out as it grows ─▶ verdict()
```
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from contract.manifest import Manifest
from device_agent.config.fleet_probe import ProbeConfig
from device_agent.fleet.probe.bounds import Bounds, bounds_of
from device_agent.fleet.probe.judgement import Case, judge
from device_agent.fleet.probe.look import Look
from device_agent.fleet.probe.stretch import Stretch, stretch
from device_agent.fleet.update.port import Verdict

_SELDOM_S: Final = 5.0
_OFTEN_S: Final = 0.25
_LOOKS: Final = 20
"""Of a window, at least; and of what was before, when it is asked for early."""

_ENOUGH_S: Final = 2.0
_WAIT_S: Final = 0.25
_WAITS: Final = 60
_KEPT: Final = 120
_MOST: Final = 512


class WorkProbe:
    """See ``device_agent.fleet.update.port.Probe``; ``tick`` may be another thread's.

    Args:
        look: Takes one.
        limits: Of this gateway.
        monotonic_s: Seconds, never going back.
    """

    def __init__(
        self,
        look: Callable[[], Look],
        limits: ProbeConfig,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._limits = limits
        self._now = monotonic_s
        self._started_s = self._due_s = monotonic_s()
        self._recent: deque[Look] = deque(maxlen=_KEPT)
        self._since: list[Look] | None = None
        self._last: Look | None = None  # before the activation: what is counted at once must not be missed
        self._begun_s = 0.0
        self._before = Stretch()
        self._bounds: Bounds | None = None
        self._mutex = threading.Lock()
        self._waiting = threading.Event()  # never set: looks come from another thread

    def tick(self) -> None:
        """Looks, if it is time; called often."""
        if self._now() < self._due_s:
            return
        self._due_s = self._now() + self._every_s()
        seen = self._look()
        with self._mutex:
            self._recent.append(seen)
            if self._since is not None:
                self._since.append(seen)
                if len(self._since) > _MOST:
                    del self._since[1:-1:2]

    def _every_s(self) -> float:
        span_s = self._bounds.window_s if self._bounds is not None else self._now() - self._started_s
        return min(_SELDOM_S, max(_OFTEN_S, span_s / _LOOKS))

    def before(self, manifest: Manifest) -> str:
        """See ``Probe``; a supervisor that has just begun looks on for some seconds first."""
        del manifest  # what is normal here does not depend on what comes
        for _ in range(_WAITS):
            if (seen := self._so_far()).sensing_s >= _ENOUGH_S:
                break
            self._waiting.wait(_WAIT_S)
        return msgspec.json.encode(seen).decode()

    def _so_far(self) -> Stretch:
        with self._mutex:
            self._last = self._recent[-1] if self._recent else None
            return stretch(list(self._recent))

    def begin(self, manifest: Manifest, before: str) -> None:
        """See ``Probe``."""
        with self._mutex:
            self._bounds = bounds_of(manifest.kind, manifest.health, self._limits)
            self._before = msgspec.json.decode(before or "{}", type=Stretch)
            self._since = [self._last] if self._last else []
            self._begun_s = self._due_s = self._now()

    def verdict(self) -> Verdict | None:
        """See ``Probe``; ``None`` before ``begin``."""
        with self._mutex:
            if self._bounds is None or not self._since:
                return None
            looks, age_s = list(self._since), self._now() - self._begun_s
            found = judge(Case(self._before, stretch(looks), age_s, self._bounds))
            if found is not None:
                self._since = self._bounds = self._last = None
            return found
