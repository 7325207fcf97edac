"""Devices that speak Modbus, over TCP or a serial line (RTU): meters, inverters, drives, controllers.

One sensor is one line, with as many devices as answer on it. A refused request is a gap in its own channels; a device
that does not answer is a gap in all of its own and is left alone for a while, so that it does not slow the others
down. Only when no device answers is the sensor as a whole failing.

Not here: what registers mean (``modbus_registers``), the line (``modbus_line``). Writing: an agent that watches does
not command.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta

from device_agent.errors import ConfigError, SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.modbus_line import Framing, Line, RefusedError, SilentError, open_serial, open_tcp
from device_agent.sensors.modbus_registers import Register, Request, Unit, places, requests
from device_agent.sensors.port import GAP, HIGHEST_RATE_HZ, Channel, Description, Reading, SensorConfig, override
from device_agent.sensors.rates import Missing, Value

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
_FRAME_CHARACTERS: Final = 8 + 5 + 2 * 3.5
"""Of one question and answer, without the data: 8 asked, 5 answered, and twice the silence between frames
(MODBUS over serial line V1.02, 2.5.1.1)."""


class ModbusConfig(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both kinds of line have.

    Attributes:
        registers: By channel name.
        device: Address of the device, for registers that name none.
        timeout_s: How long to wait for each answer.
        bridge: How many unwanted addresses between wanted ones may be read along, to save a request.
    """

    registers: Annotated[dict[str, Register], Meta(min_length=1, max_length=512)]
    rate_hz: Annotated[float, Meta(gt=0, le=HIGHEST_RATE_HZ)] = 1.0
    device: Unit = 1
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 1.0
    bridge: Annotated[int, Meta(ge=0, le=100)] = 0

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        for name, register in self.registers.items():
            register.check(f"registers.{name}")
        channels = tuple(register.channel(name) for name, register in self.registers.items())
        return Description(override(channels, self.channels), self.rate_hz)

    def asked(self) -> tuple[Request, ...]:
        """What one reading asks for."""
        return requests(self.registers.values(), device=self.device, bridge=self.bridge)


class ModbusTcp(ModbusConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="modbus_tcp"):
    """Devices behind a TCP connection.

    Attributes:
        host: Name or address.
        port: 502 unless somebody chose otherwise.
        framing: ``rtu`` for a serial converter that passes frames on as they are.
    """

    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 502
    framing: Framing = "tcp"

    def open(self) -> "Modbus":
        """See ``SensorConfig``."""
        line = open_tcp(self.host, self.port, framing=self.framing, timeout_s=self.timeout_s)
        return Modbus(self, line, monotonic_ns)


class ModbusRtu(ModbusConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="modbus_rtu"):
    """Devices on a serial line, as a rule RS-485.

    Attributes:
        port: Of this machine, e.g. ``/dev/ttyUSB0``.
        baud: As set on the devices.
        parity: Even is the standard's default, with one stop bit; without parity it asks for two.
        stop_bits: As set on the devices.
    """

    port: str
    baud: Annotated[int, Meta(ge=300, le=921600)] = 19200
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: Literal[1, 2] = 1

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (self.port,)

    def describe(self) -> Description:
        """See ``SensorConfig``; refuses a rate that the line cannot carry even if devices answered at once."""
        description = ModbusConfig.describe(self)
        least_s = self.shortest_reading_s()
        if description.rate_hz * least_s > 1:
            raise ConfigError(
                f"rate_hz {self.rate_hz:g}: one reading takes at least {least_s:.3g} s at {self.baud} baud",
                remedy=f"use a rate_hz of at most {1 / least_s:.2g}, fewer registers or a faster line",
            )
        return description

    def open(self) -> "Modbus":
        """See ``SensorConfig``."""
        letter: Literal["N", "E", "O"] = {"none": "N", "even": "E", "odd": "O"}[self.parity]  # type: ignore[assignment]
        line = open_serial(self.port, baud=self.baud, parity=letter, stop_bits=self.stop_bits, timeout_s=self.timeout_s)
        return Modbus(self, line, monotonic_ns)

    def shortest_reading_s(self) -> float:
        """How long the line alone needs for all questions and answers of one reading."""
        bits = 1 + 8 + (self.parity != "none") + self.stop_bits
        data = sum(
            -(-request.length // 8) if request.table in ("coil", "discrete") else 2 * request.length
            for request in self.asked()
        )
        return (len(self.asked()) * _FRAME_CHARACTERS + data) * bits / self.baud


class Modbus:
    """The open sensor, see ``Sensor``.

    Args:
        config: What to ask.
        line: Whom to ask; closed with the sensor.
        now_ns: Monotonic nanoseconds, for the pauses of devices that do not answer.
    """

    def __init__(self, config: ModbusConfig, line: Line, now_ns: Callable[[], int]) -> None:
        self._channels = config.describe().channels
        self._registers = tuple(config.registers.values())
        self._asked = config.asked()
        self._places = places(config.registers, self._asked, device=config.device)
        self._line: Line | None = line
        self._now_ns = now_ns
        self._silent: dict[int, _Silence] = {}

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``; takes at most twice ``timeout_s`` for each device that does not answer."""
        if self._line is None:
            raise SensorError("the Modbus line is closed")
        answers = [self._answer(self._line, request) for request in self._asked]
        if len(self._silent) == len({request.device for request in self._asked}):
            raise SensorError(next(str(answer.reason) for answer in answers if isinstance(answer, Missing)))
        found = [
            self._value(register, answers[index], start)
            for register, (index, start) in zip(self._registers, self._places, strict=True)
        ]
        gaps = _reasons(self._channels, found)
        return Reading(tuple(GAP if isinstance(value, Missing) else value for value in found), gaps)

    def close(self) -> None:
        """See ``Sensor``."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _answer(self, line: Line, request: Request) -> tuple[int, ...] | Missing:
        silence = self._silent.get(request.device)
        if silence is not None and self._now_ns() < silence.until_ns:
            return Missing(silence.reason)
        try:
            words = line.ask(request)
        except RefusedError as exc:
            self._silent.pop(request.device, None)
            return Missing(f"{request}: {exc}")
        except SilentError as exc:
            silence = _Silence(f"{request}: {exc}", self._now_ns(), before=silence)
            self._silent[request.device] = silence
            return Missing(silence.reason)
        self._silent.pop(request.device, None)
        return words

    @staticmethod
    def _value(register: Register, answer: tuple[int, ...] | Missing, start: int) -> Value:
        if isinstance(answer, Missing):
            return answer
        return register.value(answer[start : start + register.width])


class _Silence:
    """A device that did not answer, and until when it is left alone: 1 s, 2 s, 4 s … at most 30 s."""

    def __init__(self, reason: str, now_ns: int, *, before: "_Silence | None") -> None:
        self.reason = reason
        self.pause_s: float = FIRST_PAUSE_S if before is None else min(2 * before.pause_s, LONGEST_PAUSE_S)
        self.until_ns = now_ns + round(self.pause_s * 1e9)


def _reasons(channels: tuple[Channel, ...], found: list[Value]) -> Mapping[str, str]:
    return {
        channel.name: value.reason for channel, value in zip(channels, found, strict=True) if isinstance(value, Missing)
    }
