"""An I2C bus below smbus2: what the kernel does with its ioctls, and chips that act on the bytes they are sent.

Like the Raspberry Pi's, the controller takes one read a transfer, as its last message, and refuses more.
"""

import ctypes
import errno
import fcntl
import os
import random
import struct
import threading
import time
from pathlib import Path
from typing import Protocol

import pytest
import smbus2

from device_agent.sensors.chips.crc8 import sensirion

I2C_TIMEOUT, I2C_FUNCS, I2C_RDWR, I2C_M_RD = 0x0702, 0x0705, 0x0707, 1


def fault(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class SimulatedChip(Protocol):
    def written(self, data: bytes) -> None: ...
    def answer(self, count: int) -> bytes: ...
    def garble(self, any_bits: random.Random) -> None: ...


class SimulatedBus:
    """All chips by address; ``fault`` is what every transfer ends with, ``hangs`` that none ends before its time."""

    def __init__(self, device: Path) -> None:
        device.touch()
        self.device = str(device)
        self.chips: dict[int, SimulatedChip] = {}
        self.fault: int | None = None
        self.hangs = False
        self.timeout_s = 1.0
        self.transfers = 0
        self.overlaps = 0
        self._busy = threading.Lock()

    def ioctl(self, _file: int, request: int, argument) -> int:
        if request == I2C_FUNCS:
            argument.value = 1
        elif request == I2C_TIMEOUT:
            self.timeout_s = argument / 100
        elif request == I2C_RDWR:
            self._transfer([argument.msgs[at] for at in range(argument.nmsgs)])
        else:
            raise fault(errno.ENOTTY)
        return 0

    def _transfer(self, messages: list[smbus2.i2c_msg]) -> None:
        self.overlaps += self._busy.locked()
        with self._busy:
            self.transfers += 1
            if any(message.flags & I2C_M_RD for message in messages[:-1]):
                raise fault(errno.EOPNOTSUPP)
            if self.hangs:
                time.sleep(self.timeout_s)
                raise fault(errno.ETIMEDOUT)
            if self.fault:
                raise fault(self.fault)
            for message in messages:
                self._one(message)

    def _one(self, message: smbus2.i2c_msg) -> None:
        chip = self.chips.get(message.addr)
        if chip is None:
            raise fault(errno.EREMOTEIO)
        if message.flags & I2C_M_RD:
            ctypes.memmove(message.buf, chip.answer(message.len), message.len)
        else:
            chip.written(bytes(message))


def installed(device: Path, patch: pytest.MonkeyPatch) -> SimulatedBus:
    """A bus that stands where the kernel's would."""
    simulated = SimulatedBus(device)
    patch.setattr(smbus2.smbus2, "ioctl", simulated.ioctl)
    patch.setattr(fcntl, "ioctl", simulated.ioctl)
    return simulated


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedBus:
    return installed(tmp_path / "i2c-1", monkeypatch)


class SimulatedBme280:
    """The data sheet's BMP280 example for temperature and pressure, a chip's real numbers for humidity."""

    T, P = (27504, 26435, -1000), (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
    H1, H2, H3, H4, H5, H6 = 75, 359, 40, 334, 50, 30

    def __init__(self, temperature: int = 519888, pressure: int = 415148, humidity: int = 28000) -> None:
        self.raw = (temperature, pressure, humidity)
        self.busy_polls = 2
        self.chip_id = 0x60
        self.lose_power()

    def lose_power(self) -> None:
        self._registers = bytearray(256)
        self._registers[0xD0] = self.chip_id
        self._registers[0x88:0xA0] = struct.pack("<HhhH8h", *self.T, *self.P)
        self._registers[0xA1] = self.H1
        middle = (self.H4 & 0xF) | (self.H5 & 0xF) << 4
        self._registers[0xE1:0xE8] = struct.pack(
            "<hBbBbb", self.H2, self.H3, self.H4 >> 4, middle, self.H5 >> 4, self.H6
        )
        self._registers[0xF7:0xFF] = bytes.fromhex("8000008000008000")
        self._polls = self._pointer = self._humidity = 0

    def written(self, data: bytes) -> None:
        if len(data) == 1:
            self._pointer = data[0]
        for register, value in zip(data[::2], data[1::2], strict=False):  # pairs: the chip does not count up in writes
            self._registers[register] = value
            if register == 0xF4:
                self._control(value)

    def garble(self, any_bits: random.Random) -> None:
        self.raw = any_bits.getrandbits(20), any_bits.getrandbits(20), any_bits.getrandbits(16)

    def _control(self, value: int) -> None:
        self._humidity = self._registers[0xF2] & 0b111  # counts only from the write to 0xF4 on
        if value & 0b11:
            self._polls = self.busy_polls

    def answer(self, count: int) -> bytes:
        if self._pointer == 0xF3:
            self._registers[0xF3] = 0b1000 if self._polls else 0
            self._polls -= 1
            if self._polls < 0:
                self._finish()
        return bytes(self._registers[self._pointer : self._pointer + count])

    def _finish(self) -> None:
        control = self._registers[0xF4]
        temperature, pressure, humidity = self.raw
        temperature = temperature if control >> 5 else 0x80000
        pressure = pressure if control >> 2 & 0b111 else 0x80000
        humidity = humidity if self._humidity else 0x8000
        words = (pressure << 4).to_bytes(3) + (temperature << 4).to_bytes(3) + humidity.to_bytes(2)
        self._registers[0xF7:0xFF] = words
        self._registers[0xF4] = control & ~0b11


class SimulatedBmp280(SimulatedBme280):
    """The same without humidity: its registers there are reserved."""

    def lose_power(self) -> None:
        self.chip_id = 0x58
        super().lose_power()
        self._registers[0xA1] = 0
        self._registers[0xE1:0xE8] = bytes(7)

    def written(self, data: bytes) -> None:
        if len(data) > 1 and 0xF2 in data[::2]:
            raise fault(errno.EREMOTEIO)
        super().written(data)


class SimulatedSht:
    """Answers nothing while it measures, then both words with their checksums."""

    def __init__(self, command: bytes, temperature: int = 0x6666, humidity: int = 0x8000) -> None:
        self.command = command
        self.words = (temperature, humidity)
        self.spoilt = b"\0" * 6
        self.busy_polls = 2
        self._polls = -1

    def written(self, data: bytes) -> None:
        if self._polls > 0 or data != self.command:
            raise fault(errno.EREMOTEIO)
        self._polls = self.busy_polls

    def garble(self, any_bits: random.Random) -> None:
        self.words = any_bits.getrandbits(16), any_bits.getrandbits(16)

    def answer(self, count: int) -> bytes:
        self._polls -= 1
        if self._polls >= 0 or count != 6:
            raise fault(errno.EREMOTEIO)
        words = [word.to_bytes(2) for word in self.words]
        right = b"".join(word + bytes([sensirion(word)]) for word in words)
        return bytes(a ^ b for a, b in zip(right, self.spoilt, strict=True))


class SimulatedAds1115:
    """Converts the selected input once its start bit is written; the bit reads 0 meanwhile."""

    PAIRS = ((0, 1), (0, 3), (1, 3), (2, 3), (0, None), (1, None), (2, None), (3, None))
    FULL_SCALE = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256)

    def __init__(self, *volts: float) -> None:
        self.volts = volts or (0.0, 0.0, 0.0, 0.0)
        self.busy_polls = 2
        self._pointer = self._polls = 0
        self.lose_power()

    def lose_power(self) -> None:
        self.config, self.code = 0x8583, 0

    def written(self, data: bytes) -> None:
        self._pointer = data[0]
        if self._pointer == 1 and len(data) == 3:
            self.config = int.from_bytes(data[1:])
            if self.config & 0x8000:
                self._polls = self.busy_polls
                self._convert()

    def garble(self, any_bits: random.Random) -> None:
        self.volts = tuple(any_bits.uniform(-10, 10) for _ in range(4))

    def _convert(self) -> None:
        positive, negative = self.PAIRS[self.config >> 12 & 0b111]
        volts = self.volts[positive] - (0 if negative is None else self.volts[negative])
        code = round(volts / self.FULL_SCALE[self.config >> 9 & 0b111] * 2**15)
        self.code = min(max(code, -(2**15)), 2**15 - 1)

    def answer(self, count: int) -> bytes:
        if self._pointer == 0:
            return struct.pack(">h", self.code)[:count]
        config = self.config & 0x7FFF if self._polls > 0 else self.config | 0x8000
        self._polls -= 1
        return config.to_bytes(2)[:count]


class SimulatedAdxl345:
    """Measures while it is told to: each look at its FIFO's state finds ``per_look`` more scans there.

    A read of the first data register takes a scan out of the FIFO; in stream mode a full one loses its oldest.
    """

    def __init__(self, per_look: int = 1) -> None:
        self.per_look = per_look
        self.measured = 0
        self.noise: random.Random | None = None
        self.lose_power()

    def lose_power(self) -> None:
        self._registers = bytearray(0x40)
        self._registers[0x00], self._registers[0x2C] = 0xE5, 0x0A
        self._fifo: list[bytes] = []
        self._pointer = 0

    def written(self, data: bytes) -> None:
        self._pointer = data[0]
        for at, value in enumerate(data[1:], data[0]):
            self._registers[at] = value
            if at == 0x38 and not value >> 6:
                self._fifo.clear()

    def garble(self, any_bits: random.Random) -> None:
        self.noise = any_bits

    def feed(self, scans: int) -> None:
        for _ in range(scans if self._registers[0x2D] & 0x08 else 0):
            self.measured += 1
            scan = struct.pack("<3h", self.measured, -self.measured, 256)
            self._fifo.append(self.noise.randbytes(6) if self.noise else scan)
            if len(self._fifo) > 32:
                self._fifo.pop(0)
                self._registers[0x30] |= 0x01

    def answer(self, count: int) -> bytes:
        covered = range(self._pointer, self._pointer + count)
        if 0x39 in covered:
            self.feed(self.per_look)
            self._registers[0x39] = len(self._fifo)
        if 0x32 in covered:
            self._registers[0x32:0x38] = self._formatted(self._fifo.pop(0)) if self._fifo else bytes(6)
            self._registers[0x30] &= ~0x01
        return bytes(self._registers[at] for at in covered)

    def _formatted(self, scan: bytes) -> bytes:
        """Ten bits for the whole range, unless the chip is told to keep every bit."""
        full_resolution, wider = self._registers[0x31] & 0x08, self._registers[0x31] & 0b11
        return scan if full_resolution else struct.pack("<3h", *(axis >> wider for axis in struct.unpack("<3h", scan)))
