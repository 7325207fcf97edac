"""A relay, a lamp or a buzzer on a pin, through gpiozero.

What takes it to its safe state, and what does not:

| end | pin |
|---|---|
| `close`, SIGTERM, an error that ends the process | driven to the safe state, then an input: its pull decides |
| rules that hang, a thread that judges no more | driven to the safe state by the watchdog, `LEASE_S` later |
| SIGKILL, a crash of the interpreter, a debugger's stop | nobody drives it; Raspberry Pi OS keeps the last level |
| power lost, machine hung, boot | an input until the agent runs: the wiring's pull decides |

So wire a pull to the safe side, and on a Pi add ``dtparam=strict_gpiod`` to ``config.txt``: then the kernel makes the
pin an input as soon as the process is gone, whatever ended it (Raspberry Pi documentation, "GPIO").

Not here: leases and longest times (``device_agent.outputs.limits``).
"""

import atexit
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from device_agent.errors import OutputError, SensorError
from device_agent.outputs.limits import Limits
from device_agent.outputs.port import OutputConfig
from device_agent.sensors.gpio import CHIP
from device_agent.sensors.gpio_wiring import Pin, gpiozero_library, translated

logger = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often the watchdog looks; more often where ``max_on_s`` is short."""

LOCKED_S = 0.5
"""How long to wait for a pin that another thread is driving."""


class GpioOutput(OutputConfig, frozen=True, kw_only=True, tag="gpio"):
    """A pin that switches something: a relay, a lamp, a buzzer.

    Attributes:
        pin: Where.
        active_high: Whether on is 3.3 V; false for relay boards that pull on at 0 V.
    """

    pin: Pin
    active_high: bool = True

    def devices(self) -> tuple[str, ...]:
        """See ``OutputConfig``."""
        return (CHIP,)

    def open(self) -> "SwitchedPin":
        """See ``OutputConfig``."""
        return SwitchedPin(self).guarded()


class SwitchedPin:
    """The open output, see ``Output``.

    Args:
        config: Of the output.
        now_s: Monotonic seconds.

    Raises:
        ConfigError: No gpiozero, no pins on this machine, or a pin that cannot be had.
        OutputError: The hardware does not answer.
    """

    def __init__(self, config: GpioOutput, now_s: Callable[[], float] = time.monotonic) -> None:
        self.limits = Limits(config)
        self._config = config
        self._now_s = now_s
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._library = gpiozero_library()
        self._is_on = config.safe_on
        with self._driven():
            self._device: Any = self._library.DigitalOutputDevice(
                config.pin, active_high=config.active_high, initial_value=config.safe_on
            )

    @property
    def is_on(self) -> bool:
        """See ``Output``."""
        return self._is_on

    def switch(self, *, on: bool) -> None:
        """See ``Output``."""
        with self._mine():
            if not self._ending.is_set():
                self._drive(on=self.limits.switch(self._now_s(), on=on))

    def look(self) -> None:
        """What the watchdog does each time. Raises ``OutputError``."""
        with self._mine():
            if not self._ending.is_set():
                self._drive(on=self.limits.due(self._now_s(), is_on=self._is_on))

    def close(self) -> None:
        """See ``Output``; a pin that does not take its safe state is logged, and given back all the same."""
        atexit.unregister(self.close)
        if self._ending.is_set():
            return
        self._ending.set()
        mine = self._lock.acquire(timeout=LOCKED_S)  # one that is stuck in the hardware cannot be waited for
        try:
            with contextlib.closing(self._device):
                self._drive(on=self._config.safe_on)
        except OutputError as exc:
            logger.error("output.unsafe", extra={"output": self._config.name, "reason": str(exc)})  # noqa: TRY400 - no bug
        finally:
            if mine:
                self._lock.release()

    def guarded(self) -> "SwitchedPin":
        """The same, with a watchdog, and closed where the process ends without a word."""
        atexit.register(self.close)  # after gpiozero's own, and so called before it gives every pin back
        threading.Thread(target=self._watch, name=f"watchdog-{self._config.name}", daemon=True).start()
        return self

    def _watch(self) -> None:
        every_s = min(LOOK_S, self._config.max_on_s / 4 or LOOK_S)
        failing = False
        while not self._ending.wait(every_s):
            try:
                self.look()
                failing = False
            except OutputError as exc:
                if not failing:  # once; it is tried again at every look
                    logger.error("output.unguarded", extra={"output": self._config.name, "reason": str(exc)})  # noqa: TRY400 - no bug
                failing = True

    def _drive(self, *, on: bool) -> None:
        with self._driven():
            self._device.value = on
        self._is_on = on

    @contextlib.contextmanager
    def _mine(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=LOCKED_S):
            raise OutputError(f"output `{self._config.name}`: its pin takes no end", remedy="see dmesg")
        try:
            yield
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _driven(self) -> Iterator[None]:
        try:
            with translated(self._library):
                yield
        except SensorError as exc:
            raise OutputError(
                f"output `{self._config.name}`: {exc}", remedy="check its pin; dmesg may say more"
            ) from exc
