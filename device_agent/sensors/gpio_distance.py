"""An ultrasonic distance sensor (HC-SR04 and its kin): a trigger pin, an echo pin, the time between.

```
trigger  _|‾|______________________   10 µs
echo     _____|‾‾‾‾‾‾‾‾‾‾‾‾|_______   as long as sound travels there and back
```
gpiozero's own ``DistanceSensor`` measures on a thread of its own and averages what it heard last: it says 0 m before
the first echo and an old distance after the last. Here each reading is one ping, and no echo is a gap.

The echo pin of a 5 V sensor needs a divider to 3.3 V.

Not here: gpiozero (``device_agent.sensors.gpio_wiring``).
"""

import contextlib
import threading
import time
from types import ModuleType
from typing import Annotated

from msgspec import Meta

from device_agent.errors import ConfigError
from device_agent.sensors.gpio import CHIP
from device_agent.sensors.gpio_wiring import Gpio, InputLook, Pin, Wire
from device_agent.sensors.port import Channel, Description, SensorConfig, override
from device_agent.sensors.rates import Missing, Value

PINGS_PER_S = 16
"""Between two pings 60 ms must pass, or one hears the other's echo (HC-SR04 data sheet)."""

TRIGGER_S = 10e-6
WAIT_S = 0.1
"""For an echo, whose longest is 38 ms; and for other sensors' pings."""

_pinging = threading.Lock()
"""One ping in the air at a time: two sensors of one room hear each other."""


class GpioDistance(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio_distance"):
    """An ultrasonic distance sensor, in metres.

    Attributes:
        trigger: Its trigger pin.
        echo: Its echo pin.
        max_distance_m: What is farther is a gap.
        speed_of_sound_m_per_s: 343.3 at 20 °C; 0.6 more for each degree.
    """

    trigger: Pin
    echo: Pin
    max_distance_m: Annotated[float, Meta(gt=0.02, le=10)] = 4.0
    speed_of_sound_m_per_s: Annotated[float, Meta(ge=300, le=380)] = 343.3

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (CHIP,)

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        if self.rate_hz > PINGS_PER_S:
            raise ConfigError(
                f"`rate_hz`: {self.rate_hz:g} pings per second, at most {PINGS_PER_S}: one would hear another's echo",
                remedy=f"choose a `rate_hz` up to {PINGS_PER_S}",
            )
        channel = Channel(name="distance_m", unit="m", resolution=0.001, low=0.0, high=self.max_distance_m)
        return Description(override((channel,), self.channels), self.rate_hz)

    def open(self) -> Gpio:
        """See ``SensorConfig``."""
        return Gpio(self.describe().channels, [ping(self.trigger, self.echo, self.speed_of_sound_m_per_s)])


def ping(trigger: Pin, echo: Pin, speed_m_per_s: float) -> Wire:
    """A trigger and an echo; reads as metres, or why there are none, within 0.2 s."""

    def wire(library: ModuleType, keep: contextlib.ExitStack) -> InputLook:
        sender = keep.enter_context(library.DigitalOutputDevice(trigger))
        receiver = keep.enter_context(library.DigitalInputDevice(echo, pull_up=False))
        heard = _Echo()
        receiver.pin.when_changed = heard.changed

        def look(_now_ns: int) -> Value:
            if receiver.value:
                return Missing("echo pin is high before the ping")
            if not _pinging.acquire(timeout=WAIT_S):
                return Missing("other distance sensors take all the time")
            try:
                heard.forget()
                sender.on()
                time.sleep(TRIGGER_S)
                sender.off()
                if not heard.ended.wait(WAIT_S):
                    return Missing("no echo")
            finally:
                _pinging.release()
            seconds = receiver.pin_factory.ticks_diff(heard.fell, heard.rose)
            return float(seconds) * speed_m_per_s / 2

        return look

    return wire


class _Echo:
    """When the echo began and ended, told on gpiozero's thread in the pin factory's ticks."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.forget()

    def forget(self) -> None:
        self.ended.clear()
        self.rose: float | None = None
        self.fell: float | None = None

    def changed(self, ticks: float, state: int) -> None:
        if state:
            self.rose = ticks
        elif self.rose is not None and self.fell is None:  # a fall without a rise is an echo missed
            self.fell = ticks
            self.ended.set()
