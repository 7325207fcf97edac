"""An output without hardware: for tests, and for rules that are tried before anything is wired."""

import threading
import time
from collections.abc import Callable

from device_agent.outputs.limits import Limits
from device_agent.outputs.port import OutputConfig


class MemoryOutput:
    """Remembers what it was driven to.

    Args:
        config: Of the output.
        now_s: Monotonic seconds.

    Attributes:
        limits: Counts what they did.
    """

    def __init__(self, config: OutputConfig, now_s: Callable[[], float] = time.monotonic) -> None:
        self.limits = Limits(config)
        self._config = config
        self._now_s = now_s
        self._lock = threading.Lock()
        self._is_on = config.safe_on
        self._is_open = True

    @property
    def is_on(self) -> bool:
        """See ``Output``; looks at the lease first, as a watchdog would."""
        with self._lock:
            if self._is_open:
                self._is_on = self.limits.due(self._now_s(), is_on=self._is_on)
            return self._is_on

    def switch(self, *, on: bool) -> None:
        """See ``Output``."""
        with self._lock:
            if self._is_open:
                self._is_on = self.limits.switch(self._now_s(), on=on)

    def close(self) -> None:
        """See ``Output``."""
        with self._lock:
            self._is_on, self._is_open = self._config.safe_on, False


class SimulatedOutput(OutputConfig, frozen=True, kw_only=True, tag="simulated"):
    """An output that nothing is wired to: it is logged and counted like a real one."""

    def open(self) -> MemoryOutput:
        """See ``OutputConfig``."""
        return MemoryOutput(self)
