"""What a device's registers mean, and in how few requests they are read.

A device's manual gives number, type and order of its registers. Modbus itself knows 16-bit words, high byte first
(MODBUS Application Protocol V1.1b3, 4.2); wider values and their order are each maker's own.

Pure. Not here: the line to the device (``device_agent.sensors.modbus_line``).
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel
from device_agent.sensors.rates import Missing, Value

Table = Literal["holding", "input", "coil", "discrete"]
Type = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bit"]
Order = Literal["high_first", "low_first"]
Unit = Annotated[int, Meta(ge=1, le=247)]
Finite = Annotated[float, Meta(ge=-1e12, le=1e12)]

MOST_REGISTERS: Final = 125
"""In one request (V1.1b3, 6.3)."""
MOST_BITS: Final = 2000
"""In one request (V1.1b3, 6.1)."""
ADDRESSES: Final = 65536
_BIT_TABLES: Final = ("coil", "discrete")
_WORDS: Final = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4}
_CODES: Final = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "int64": ">q",
    "uint64": ">Q",
    "float64": ">d",
}


class Register(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One quantity of a device; the channel is ``offset + scale times value``.

    Attributes:
        address: As sent, counted from 0: register 40001 of a manual is address 0 of ``holding``.
        table: Where it lies; ``coil`` and ``discrete`` hold bits.
        type: Of the value; left out, ``bit`` in a table of bits and ``uint16`` elsewhere.
        bit: Which bit of the register, 0 the lowest; only with ``type: bit`` in a table of registers.
        words: Whether the register with the high half comes first.
        bytes: Whether the high byte of each register comes first.
        scale: Units that one step of the value stands for.
        offset: Units at a value of 0.
        absent: The value by which the device says that it has none, before scaling, e.g. 32768.
        unit: Of the channel.
        device: Address of the device on the line; left out, the sensor's.
    """

    address: Annotated[int, Meta(ge=0, lt=ADDRESSES)]
    table: Table = "holding"
    type: Type | None = None
    bit: Annotated[int, Meta(ge=0, le=15)] | None = None
    words: Order = "high_first"
    bytes: Order = "high_first"
    scale: Finite = 1.0
    offset: Finite = 0.0
    absent: int | None = None
    unit: str = ""
    device: Unit | None = None

    @property
    def kind(self) -> Type:
        """The type, also where it was left out."""
        return self.type or ("bit" if self.table in _BIT_TABLES else "uint16")

    @property
    def width(self) -> int:
        """How many addresses it takes."""
        return 1 if self.kind == "bit" else _WORDS[self.kind]

    def channel(self, name: str) -> Channel:
        """As which channel it is known."""
        if self.kind == "bit":
            return Channel(name=name, unit=self.unit, resolution=1, low=0, high=1)
        step = abs(self.scale) if "int" in self.kind else 0.001
        return Channel(name=name, unit=self.unit, resolution=step or 0.001)

    def check(self, place: str) -> None:
        """Raises ``ConfigError`` naming the place where its keys contradict each other."""
        if self.table in _BIT_TABLES and self.kind != "bit":
            raise ConfigError(f"{place}: a {self.table} is a bit, not {self.kind}", remedy="leave out `type`")
        if (self.bit is not None) != (self.kind == "bit" and self.table not in _BIT_TABLES):
            raise ConfigError(
                f"{place}: `bit` and `type: bit` belong together in a table of registers",
                remedy="give both for one bit of a register, neither for a coil or a discrete input",
            )
        if self.address + self.width > ADDRESSES:
            raise ConfigError(f"{place}: a {self.kind} at {self.address} passes the last address", remedy="mend it")
        if self.scale == 0:
            raise ConfigError(f"{place}: a scale of 0 makes every value the same", remedy="leave out `scale`")

    def value(self, words: Sequence[int]) -> Value:
        """What these words, one per address, stand for; ``Missing`` where they are no number."""
        raw = self._raw(words)
        if self.absent is not None and raw == self.absent:
            return Missing("the device has no value")
        scaled = self.offset + self.scale * raw
        return scaled if math.isfinite(scaled) else Missing(f"not a finite number: {raw}")

    def _raw(self, words: Sequence[int]) -> float:
        if self.kind == "bit":
            return float(words[0] >> (self.bit or 0) & 1)
        ordered = words if self.words == "high_first" else words[::-1]
        order: Literal["big", "little"] = "big" if self.bytes == "high_first" else "little"
        packed = b"".join(word.to_bytes(2, order) for word in ordered)
        raw: float = struct.unpack(_CODES[self.kind], packed)[0]
        return raw


class Request(NamedTuple):
    """Neighbours that are asked for together.

    Attributes:
        device: Address on the line.
        table: Where.
        address: The first.
        length: How many addresses.
    """

    device: int
    table: Table
    address: int
    length: int

    def __str__(self) -> str:
        """For a gap's reason."""
        return f"device {self.device}, {self.table} {self.address}..{self.address + self.length - 1}"


def requests(registers: Iterable[Register], *, device: int, bridge: int) -> tuple[Request, ...]:
    """The fewest requests that hold every register whole; no value is split between two.

    Args:
        registers: In any order; they may overlap.
        device: Of registers that name none.
        bridge: How many unwanted addresses between two wanted ones may be read along.
    """
    wanted = sorted((item.device or device, item.table, item.address, item.width) for item in registers)
    found: list[Request] = []
    for unit, table, address, width in wanted:
        last = found[-1] if found else None
        if last and (last.device, last.table) == (unit, table) and address <= last.address + last.length + bridge:
            length = max(last.length, address + width - last.address)
            if length <= (MOST_BITS if table in _BIT_TABLES else MOST_REGISTERS):
                found[-1] = last._replace(length=length)
                continue
        found.append(Request(unit, table, address, width))
    return tuple(found)


def places(registers: Mapping[str, Register], asked: Sequence[Request], *, device: int) -> tuple[tuple[int, int], ...]:
    """For each register the index of a request that holds it whole, and where in it the register begins."""
    return tuple(_place(register, asked, register.device or device) for register in registers.values())


def _place(register: Register, asked: Sequence[Request], device: int) -> tuple[int, int]:
    for index, request in enumerate(asked):
        start = register.address - request.address
        if (request.device, request.table) == (
            device,
            register.table,
        ) and 0 <= start <= request.length - register.width:
            return index, start
    raise AssertionError(f"no request holds {register}")  # pragma: no cover - requests() leaves none out
