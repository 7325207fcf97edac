"""The numbers made of a sensor's vibrations, as a sensor of their own beside it.

```
scans of `motor` ─┬▶ its condenser: summaries, reports, context ◀──────────(an episode)─────────┐
                  └▶ spectrum ─▶ condenser of `motor-spectrum`: filter, episodes, summaries ────┘
```
It has no thread: whoever takes the sensor's scans takes them for both.

Not here: the numbers (``device_agent.spectral``).
"""

from collections.abc import Iterable, Mapping

import msgspec

from contract.health import SensorHealth
from device_agent.condenser import Condenser, Shape, Surroundings
from device_agent.config import ContextConfig
from device_agent.sampling.connection import naming
from device_agent.sampling.sampler import Counters
from device_agent.sensors.port import Scan
from device_agent.sensors.scan_block import ScanBlock
from device_agent.spectral.plan import Plan, plan_of, spectrum_name
from device_agent.spectral.stage import Spectrum
from device_agent.told import told


class SpectrumLine:
    """See ``device_agent.line.Line``. One thread takes; any may look.

    Args:
        plan: What is made.
        beside: The sensor it is made of; an episode of the numbers takes its raw scans for context.
        around: What all sensors of the process share.

    Attributes:
        condenser: Of the numbers.

    Raises:
        ModelError: The model cannot be used.
    """

    def __init__(self, plan: Plan, beside: Condenser, around: Surroundings) -> None:
        shape = beside.shape
        own = Shape(spectrum_name(shape.name), plan.channels, shape.rate_hz / plan.window_scans, shape.speed)
        config = msgspec.structs.replace(around.config, context=ContextConfig(before_scans=0, after_scans=0))
        self.condenser = Condenser(own, around._replace(config=config), opened=beside.open_context)
        self._spectrum = Spectrum(plan)
        self._counted = Counters()

    def take(self, taken: Iterable[Scan | ScanBlock]) -> None:
        """Makes numbers of the sensor's cleaned scans, and judges them."""
        made = self._spectrum.take(taken)
        for scan in made:
            self._count(scan)
        if made:
            self.condenser.take(made)

    def health(self) -> SensorHealth:
        """See ``Line``; ``missed`` are windows in which there was no scan."""
        return told(self._counted, self.condenser, failing=False)

    def counters(self) -> Mapping[str, int]:
        """See ``Line``."""
        return self.condenser.counters

    def _count(self, scan: Scan) -> None:
        counted, gaps = self._counted, len(scan.gaps)
        name = next(iter(scan.gaps), None)
        self._counted = counted._replace(
            scans=counted.scans + 1,
            samples=counted.samples + len(scan.values) - gaps,
            gaps=counted.gaps + gaps,
            missed=scan.seq - counted.scans,
            last_gap=counted.last_gap if name is None else f"{name}: {scan.gaps[name]}",
        )


def spectrum_line(beside: Condenser, around: Surroundings) -> SpectrumLine | None:
    """For a sensor of whose vibrations numbers are to be made; ``None`` for another.

    Raises:
        ConfigError: What is asked cannot be had at its rate.
        ModelError: The model cannot be used.
    """
    shape = beside.shape
    with naming(shape.name):
        plan = plan_of(shape.channels, shape.rate_hz / shape.speed)
    return SpectrumLine(plan, beside, around) if plan else None
