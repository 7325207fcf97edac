"""DS18B20 probes on a 1-Wire bus, as the kernel's ``w1_therm`` shows them in sysfs.

```
/sys/bus/w1/devices/28-0316a2795aff/w1_slave       72 01 4b 46 7f ff 0e 10 57 : crc=57 YES
                                                   72 01 4b 46 7f ff 0e 10 57 t=23125
```
Reading that file starts a conversion and waits for it: 0.75 s a probe at 12 bits, one probe after the other. Nothing
can cut it short, so a bus that fails keeps this sensor's thread, and no other, as long as the kernel takes.

The nine bytes are decoded here (data sheet: memory map, temperature and configuration registers), because ``YES`` and
``t=`` alone let three wrong values pass: zeros of a shorted bus (their checksum is right), the 85 °C of a probe that
lost its power, and bits below a probe's resolution, which mean nothing.

Not here: setting a probe's resolution, other chips on the bus.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.chips.crc8 import maxim
from device_agent.sensors.port import GAP, Channel, Description, Reading, SensorConfig, override
from device_agent.sensors.rates import Missing, Value

_CONVERTS_S = {9: 0.094, 10: 0.188, 11: 0.375, 12: 0.75}
"""At most, by the bits of resolution (data sheet, resolution)."""
_TRANSFERS_S = 0.05
_BYTES = 9
_POWER_ON = 0x0550
_CONVERTED = 0x10
"""Byte 6 after a conversion to 85.0 °C; it is 0x0C while there was none (C. Petrich, counterfeit_DS18B20)."""

Probe = Annotated[str, Meta(pattern="^(28|22)-[0-9a-f]{12}$")]
"""A folder of the bus: family 28 (DS18B20) or 22 (DS1822), and the probe's number."""


class Ds18b20(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="ds18b20"):
    """Probes, one channel each.

    Attributes:
        probes: The probe's folder by channel name, e.g. ``{flow: 28-0316a2795aff}``.
        bits: The resolution that they are set to, 12 unless somebody changed it.
        folder: Where the kernel shows the bus.
    """

    probes: Annotated[dict[str, Probe], Meta(min_length=1)]
    bits: Literal[9, 10, 11, 12] = 12
    folder: str = "/sys/bus/w1/devices"
    rate_hz: Annotated[float, Meta(gt=0)] = 0.1

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (self.folder,)

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        highest_hz = 1 / (len(self.probes) * (_CONVERTS_S[self.bits] + _TRANSFERS_S))
        if self.rate_hz > highest_hz:
            raise ConfigError(
                f"`rate_hz`: {self.rate_hz:g} scans per second, at most {highest_hz:.3g} here: "
                f"each of {len(self.probes)} probes converts for {_CONVERTS_S[self.bits]:g} s at {self.bits} bits",
                remedy=f"choose a `rate_hz` up to {highest_hz:.3g}, or more sensors on more buses",
            )
        step = 2.0 ** (8 - self.bits)
        channels = tuple(Channel(name=name, unit="°C", resolution=step, low=-55, high=125) for name in self.probes)
        return Description(override(channels, self.channels), self.rate_hz)

    def open(self) -> "OneWire":
        """See ``SensorConfig``."""
        if not Path(self.folder).is_dir():
            raise SensorError(
                f"{self.folder}: no 1-Wire bus",
                remedy="add dtoverlay=w1-gpio to /boot/firmware/config.txt, and start again",
            )
        return OneWire(self.describe().channels, [Path(self.folder, probe) for probe in self.probes.values()])


class OneWire:
    """The open sensor, see ``Sensor``; holds nothing, for the kernel does."""

    def __init__(self, channels: tuple[Channel, ...], probes: list[Path]) -> None:
        self._channels = channels
        self._probes = probes

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``; a probe that fails is a gap and leaves the others, all failing is an error."""
        if not self._probes:
            raise SensorError("the 1-Wire sensor is closed")
        values = [_look(probe) for probe in self._probes]
        gaps = {
            channel.name: value.reason
            for channel, value in zip(self._channels, values, strict=True)
            if isinstance(value, Missing)
        }
        if len(gaps) == len(values):
            raise SensorError(
                "; ".join(f"{name}: {reason}" for name, reason in gaps.items()),
                remedy=f"check wiring and the 4.7 kΩ pull-up; ls {self._probes[0].parent}",
            )
        return Reading(tuple(GAP if isinstance(value, Missing) else value for value in values), gaps)

    def close(self) -> None:
        """See ``Sensor``."""
        self._probes = []


def _look(probe: Path) -> Value:
    try:
        return celsius((probe / "w1_slave").read_text(encoding="ascii", errors="replace"))
    except FileNotFoundError:
        return Missing(f"{probe.name} is not on the bus")
    except OSError as exc:
        return Missing(f"{probe.name} cannot be read: {exc.strerror or exc}")


def celsius(text: str) -> Value:
    """The temperature in a ``w1_slave`` file; whatever is not certain to be one is missing."""
    first = text.partition("\n")[0]
    data = _bytes(first)
    if data is None:
        return Missing("no answer")
    if not any(data):
        return Missing("only zeros: the bus is shorted to ground")
    if not first.endswith("YES") or maxim(data[:-1]) != data[-1]:
        return Missing("wrong checksum")
    raw, settings = int.from_bytes(data[:2], "little", signed=True), data[4]
    if not settings:
        return Missing("not the bytes of a DS18B20")
    if raw == _POWER_ON and data[6] != _CONVERTED:
        return Missing("power-on value of 85 °C: it lost its power, or did not convert")
    unused_bits = 3 - (settings >> 5 & 0b11)
    return (raw >> unused_bits << unused_bits) / 16


def _bytes(line: str) -> bytes | None:
    try:
        data = bytes.fromhex(line.partition(":")[0])
    except ValueError:
        return None
    return data if len(data) == _BYTES else None
