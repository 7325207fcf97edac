"""The only door to pymodbus: one line, one question at a time, each answered within a bound.

- A question is asked once. Whoever does not answer costs ``timeout_s``, at worst twice that (a line on which
  somebody dribbles bytes).
- After silence the line is closed and opened anew with the next question, so that an answer that comes late is never
  taken for the next one. RTU frames have no number: on a serial line that holds for what comes before the next question
  to the same device, a second later at the earliest.
- pymodbus logs every failure itself; the reading carries the same as its gap's reason, so its log is silenced.

pymodbus is an optional extra and is imported when a sensor is opened. Not here: what registers mean
(``device_agent.sensors.modbus_registers``).
"""

import logging
from types import ModuleType
from typing import Any, Final, Literal, Protocol

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.modbus_registers import Request

Framing = Literal["tcp", "rtu"]

_REFUSALS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}
"""Exception codes (MODBUS Application Protocol V1.1b3, 7)."""
_TABLES: Final = {
    "holding": "read_holding_registers",
    "input": "read_input_registers",
    "coil": "read_coils",
    "discrete": "read_discrete_inputs",
}


class RefusedError(Exception):
    """The device answered, and the answer was no; the message says why."""


class SilentError(Exception):
    """No answer that can be used came in time."""


class Line(Protocol):
    """Where devices answer. One thread at a time may call it."""

    def ask(self, request: Request) -> tuple[int, ...]:
        """One word, or one bit, per address asked for.

        Raises:
            RefusedError: The device said no.
            SilentError: The device did not answer.
            SensorError: There is no line: no connection, no such port.
        """

    def close(self) -> None:
        """Gives the line back. A second call does nothing."""


class PymodbusLine:
    """See ``Line``.

    Args:
        client: A synchronous client of pymodbus that never repeats a question.
        library: pymodbus itself.
        name: For messages, e.g. ``192.168.0.9:502``.
    """

    def __init__(self, client: Any, library: ModuleType, name: str) -> None:  # noqa: ANN401 - the extra may be missing
        self._client = client
        self._library = library
        self._name = name

    def ask(self, request: Request) -> tuple[int, ...]:
        """See ``Line``."""
        self.connect()
        ask = getattr(self._client, _TABLES[request.table])
        try:
            answer = ask(request.address, count=request.length, device_id=request.device)
        except self._library.exceptions.ModbusException as exc:
            self.close()
            raise SilentError("no answer in time") from exc
        except (OSError, ValueError, IndexError) as exc:  # what broken frames make of pymodbus's own parser
            self.close()
            raise SilentError(f"no answer that can be read: {exc}") from exc
        if answer.isError():
            raise RefusedError(_REFUSALS.get(code := getattr(answer, "exception_code", 0), f"exception {code}"))
        return self._words(answer, request)

    def connect(self) -> None:
        """Makes sure that there is a line; ``SensorError`` where there is none."""
        try:
            connected = self._client.connect()
        except OSError as exc:
            raise SensorError(f"{self._name}: {exc.strerror or exc}") from exc
        if not connected:
            raise SensorError(f"{self._name}: no connection")

    def close(self) -> None:
        """See ``Line``."""
        self._client.close()

    def _words(self, answer: Any, request: Request) -> tuple[int, ...]:  # noqa: ANN401 - as above
        found = answer.bits if request.table in ("coil", "discrete") else answer.registers
        words = tuple(int(word) for word in found[: request.length])  # bits come in whole bytes
        if len(words) != request.length or (request.table in ("holding", "input") and len(found) != request.length):
            self.close()
            raise SilentError(f"answered {len(found)} for {request.length}")
        return words


def open_tcp(host: str, port: int, *, framing: Framing, timeout_s: float) -> PymodbusLine:
    """A connected line to a device or a gateway of devices; raises ``ConfigError``, ``SensorError``."""
    library = _library()
    framer = library.FramerType.RTU if framing == "rtu" else library.FramerType.SOCKET
    client = library.client.ModbusTcpClient(host, port=port, framer=framer, timeout=timeout_s, retries=0)
    return _connected(PymodbusLine(client, library, f"{host}:{port}"))


def open_serial(
    port: str, *, baud: int, parity: Literal["N", "E", "O"], stop_bits: int, timeout_s: float
) -> PymodbusLine:
    """An opened serial port, held alone; raises ``ConfigError``, ``SensorError``."""
    library = _library()
    client = library.client.ModbusSerialClient(
        port, baudrate=baud, parity=parity, stopbits=stop_bits, timeout=timeout_s, retries=0
    )
    return _connected(PymodbusLine(client, library, port))


def _connected(line: PymodbusLine) -> PymodbusLine:
    line.connect()
    return line


def _library() -> ModuleType:
    try:
        import pymodbus.client  # noqa: PLC0415 - an optional extra, only Modbus sensors need it
        import pymodbus.exceptions  # noqa: PLC0415 - as above
        import serial as _serial  # noqa: F401, PLC0415 - pymodbus uses it where it is there
    except ImportError as exc:
        raise ConfigError(
            f"{exc.name or 'pymodbus'} is not installed", remedy='in the checkout: .venv/bin/pip install ".[modbus]"'
        ) from exc
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL + 1)
    library: ModuleType = pymodbus
    return library
