"""Keeps outputs as they are wanted: opens them, repeats what is wanted, says what does not work.

What is wanted is repeated only while somebody judges: when that hangs, outputs go to their safe state by their own
lease (see ``port``). What cannot be opened or switched is tried again, counted, and told in Health: neither a pin that
is taken nor a machine without pins ends sensing.
Not here: what is wanted and why (``device_agent.rules``).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from device_agent.errors import ConfigError, OutputError
from device_agent.notice import Notice
from device_agent.outputs.port import REPEAT_S, Output, OutputConfig

RETRY_S: Final = 5.0

logger = logging.getLogger(__name__)

Wanted = Callable[[], Mapping[str, bool] | None]
"""By output: whether it should be on; ``None`` while nobody can say."""


class _Kept:
    """One output."""

    def __init__(self, config: OutputConfig) -> None:
        self.config = config
        self.output: Output | None = None
        self.was_on = False
        self.trouble = ""
        self.failures = self.switches = 0
        self.retry_at_s = float("-inf")

    def turn(self, now_s: float, *, on: bool | None) -> None:
        try:
            self._do(now_s, on=on)
        except (OutputError, ConfigError) as exc:
            self.failures += 1
            if str(exc) != self.trouble:
                told = {"output": self.config.name, "reason": str(exc), "remedy": exc.remedy}
                logger.warning("output.failed", extra=told)
            self.trouble, self.retry_at_s = str(exc), now_s + RETRY_S

    def _do(self, now_s: float, *, on: bool | None) -> None:
        if self.output is None:
            if now_s < self.retry_at_s:
                return
            self.output = self.config.open()
        if on is not None:
            self.output.switch(on=on)
            if on is not self.was_on:
                self.was_on = on
                self.switches += 1
                logger.info("output.switched", extra={"output": self.config.name, "on": on})
        self.trouble = ""

    def close(self) -> None:
        if self.output is not None:
            self.output.close()
            self.output = None


class Keeper:
    """All outputs of a gateway. ``run`` is one thread's work; any may call the rest.

    Args:
        outputs: Their configurations.
        wanted: What they should be.
        now_s: Monotonic seconds.
    """

    def __init__(
        self, outputs: Sequence[OutputConfig], wanted: Wanted, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._kept = [_Kept(output) for output in outputs]
        self._wanted = wanted
        self._now_s = now_s
        self._changed = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Works until stopped; outputs are in their safe states then."""
        try:
            while not stop.is_set():
                self._changed.clear()
                self.turn()
                self._changed.wait(REPEAT_S / 2)
        finally:
            self.close()

    def look(self) -> None:
        """Says that something else is wanted."""
        self._changed.set()

    def turn(self) -> None:
        """Tells every output what is wanted."""
        wanted = self._wanted()
        for kept in self._kept:
            kept.turn(self._now_s(), on=None if wanted is None else wanted.get(kept.config.name))

    def close(self) -> None:
        """Gives all of them back."""
        for kept in self._kept:
            kept.close()

    def notice(self) -> Notice:
        """What happened to them."""
        counters = {f"output.{kept.config.name}.failures": kept.failures for kept in self._kept}
        counters |= {f"output.{kept.config.name}.switches": kept.switches for kept in self._kept}
        return Notice(counters, [f"output {kept.config.name}: {kept.trouble}" for kept in self._kept if kept.trouble])
