"""The ``host`` sensor: the machine it runs on.

One probe that fails makes gaps in its own channels only; the others are read.

Not here: what is probed (``device_agent.sensors.probes``).
"""

from collections.abc import Callable

from device_agent.errors import SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.port import GAP, Channel, Description, Reading, SensorConfig, override
from device_agent.sensors.probes import Probe, machine_probes
from device_agent.sensors.rates import Missing, Value


class HostSensor(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="host"):
    """Watches this machine: CPU, load per core, memory, disk and network rates, temperature where there is one."""

    def describe(self) -> Description:
        """See ``SensorConfig``; which channels there are depends on the machine's hardware."""
        return Description(self._channels(machine_probes()), self.rate_hz)

    def open(self) -> "Host":
        """See ``SensorConfig``."""
        probes = machine_probes()
        return Host(probes, self._channels(probes), monotonic_ns)

    def _channels(self, probes: tuple[Probe, ...]) -> tuple[Channel, ...]:
        return override(tuple(channel for probe in probes for channel in probe.channels), self.channels)


class Host:
    """The open sensor, see ``Sensor``.

    Args:
        probes: In the order of their channels.
        channels: The probes' channels, an operator's overrides applied.
        now_ns: Monotonic nanoseconds, the time base of rates.
    """

    def __init__(self, probes: tuple[Probe, ...], channels: tuple[Channel, ...], now_ns: Callable[[], int]) -> None:
        self._probes = probes
        self._channels = channels
        self._now_ns = now_ns
        self._closed = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``."""
        if self._closed:
            raise SensorError("the host sensor is closed")
        found = [value for probe in self._probes for value in self._look(probe)]
        gaps = {
            channel.name: value.reason
            for channel, value in zip(self._channels, found, strict=True)
            if isinstance(value, Missing)
        }
        return Reading(tuple(GAP if isinstance(value, Missing) else value for value in found), gaps)

    def close(self) -> None:
        """See ``Sensor``; afterwards ``read`` raises ``SensorError``."""
        self._closed = True

    def _look(self, probe: Probe) -> tuple[Value, ...]:
        try:
            return probe.look(self._now_ns())
        except OSError as exc:
            return (Missing(f"cannot be read: {exc.strerror or exc}"),) * len(probe.channels)
