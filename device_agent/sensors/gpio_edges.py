"""What happens on a pin between two looks at it: counted on gpiozero's thread, judged on the sampler's.

Not here: gpiozero (``device_agent.sensors.gpio_wiring``).
"""

import itertools


class Pulses:
    """A count that one thread raises and another reads; a step of ``itertools.count`` is atomic."""

    def __init__(self) -> None:
        self._steps = itertools.count(1)
        self.counted = 0

    def count(self) -> None:
        """One more."""
        self.counted = next(self._steps)


class Latch:
    """Shows a state at each look, and a change and back between two looks as one look of the other state.

    ```
    pin    ____|‾‾‾|________|‾|_|‾|_|‾|________    any number of short changes between two looks
    looks  0      1   0         0   1     0        is shown once, so that the latch never lags behind
    ```
    The level and the count of changes come from two threads: a level may be known before its change is counted,
    so a single change that explains nothing waits for the next look.

    Args:
        level: Of the pin now, 0 or 1.
    """

    def __init__(self, level: int) -> None:
        self._shown = level
        self._explained = 0

    def show(self, level: int, changes: int) -> int:
        """The state to report.

        Args:
            level: Of the pin now, 0 or 1.
            changes: How many there were since it was opened.
        """
        if level != self._shown:
            self._shown = level
            self._explained = max(self._explained + 1, changes)
        elif changes - self._explained > 1:
            self._shown = 1 - level
            self._explained = changes - 1
        return self._shown
