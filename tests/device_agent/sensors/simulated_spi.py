"""The kernel's SPI device file below ctypes, and converters that act on each bit they are clocked.

The kernel here refuses what the real one refuses, and lets a call take its time where a test asks for it.
"""

import ctypes
import errno
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

BUFFER_BYTES = 4096
"""What spidev takes in one call unless its ``bufsiz`` says otherwise."""

TRANSFER = struct.Struct("<QQIIHBB4x")


class SimulatedConverter:
    """The data sheets, figure 5-1: start bit, mode, three channel bits, a clock to sample, a null bit, the code.

    Args:
        bits: Of a code.
    """

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self.level: Callable[[int], float] = lambda _channel: 0.5
        self.noise: random.Random | None = None
        self.floats_high = False
        self.slowest_hz = 0
        self.asked: list[int] = []

    def exchange(self, sent: bytes) -> bytes:
        """One transfer, chip select falling before it and rising after."""
        clocked = [byte >> at & 1 for byte in sent for at in range(7, -1, -1)]
        answered: list[int] = []
        command: list[int] | None = None
        out: list[int] | None = None
        for bit in clocked:
            answered.append(out.pop(0) if out else 1)  # high impedance, pulled up
            if command is None:
                command = [] if bit else None
            elif len(command) < 4:
                command.append(bit)
            elif out is None:  # this clock samples
                out = [0, *self._convert(command)]
        if self.noise:
            answered = [self.noise.getrandbits(1) for _ in answered]
        if self.floats_high:
            answered = [1] * len(answered)
        return bytes(
            sum(bit << (7 - at) for at, bit in enumerate(answered[first : first + 8]))
            for first in range(0, len(answered), 8)
        )

    def _convert(self, command: list[int]) -> list[int]:
        single, *channel_bits = command
        assert single, "differential inputs were not asked for"
        channel = channel_bits[0] << 2 | channel_bits[1] << 1 | channel_bits[2]
        self.asked.append(channel)
        code = min(2**self._bits - 1, int(self.level(channel) * 2**self._bits))
        return [code >> at & 1 for at in range(self._bits - 1, -1, -1)]


class SimulatedSpi:
    """Stands for the C library's ``ioctl``.

    Attributes:
        chip: What answers.
        takes_time: Whether transfers and pauses last.
        fault: The number of the error that every message ends in.
        delays_us: Of each message, of each transfer.
    """

    def __init__(self, chip: SimulatedConverter) -> None:
        self.chip = chip
        self.takes_time = False
        self.overhead_us = 10.0
        self.fault = 0
        self.mode: int | None = None
        self.delays_us: list[list[int]] = []

    def ioctl(self, file: int, request: ctypes.c_ulong, argument: ctypes.c_void_p) -> int:
        """ioctl(2)."""
        assert file > 0
        assert argument.value
        number, kind, size = request.value & 0xFF, request.value >> 8 & 0xFF, request.value >> 16 & 0x3FFF
        assert kind == ord("k")
        if number == 1:
            self.mode = ctypes.string_at(argument.value, 1)[0]
            return 0
        assert number == 0
        problem = self.fault or self._message(ctypes.string_at(argument.value, size))
        ctypes.set_errno(problem)
        return -1 if problem else 0

    def _message(self, transfers: bytes) -> int:
        if not transfers or len(transfers) % TRANSFER.size:
            return errno.EINVAL
        parts = list(TRANSFER.iter_unpack(transfers))
        if sum(part[2] for part in parts) > BUFFER_BYTES:
            return errno.EMSGSIZE
        begun, lasts_us = time.monotonic(), 0.0
        assert [part[6] for part in parts] == [1] * (len(parts) - 1) + [0], "the chip stays selected"
        for sent, received, length, speed_hz, delay_us, bits, _ in parts:
            assert bits == 8
            answer = self.chip.exchange(ctypes.string_at(sent, length))
            ctypes.memmove(received, answer, length)
            lasts_us += 8e6 * length / speed_hz + delay_us + self.overhead_us
        self.delays_us.append([part[4] for part in parts])
        if self.takes_time:
            time.sleep(max(0.0, begun + lasts_us / 1e6 - time.monotonic()))
        return 0


def installed(device: Path, patch: pytest.MonkeyPatch, bits: int = 12) -> SimulatedSpi:
    """A simulated bus behind a device file."""
    device.touch()
    bus = SimulatedSpi(SimulatedConverter(bits))
    patch.setattr(ctypes, "CDLL", lambda *_args, **_keys: bus)
    return bus
