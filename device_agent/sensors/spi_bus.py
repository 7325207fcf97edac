"""The only door to spidev: many transfers in one call, with a pause after some of them.

```
chip select ‾|_____|‾|_____|‾|_____|‾‾‾‾‾‾‾‾‾|_____|‾|_____|‾|_____|‾
             ch 0    ch 1    ch 2    pause    ch 0    ch 1    ch 2       one ioctl; the kernel keeps the time
```
A converter needs its chip select released after every conversion, and a conversion at thousands of hertz no interpreter
in between. Both are in the kernel's own call (``SPI_IOC_MESSAGE``), and neither in the usual library for it, so this
speaks to the device file itself. The call goes through ctypes because ``fcntl.ioctl`` would hold the interpreter's lock
for as long as the bus is busy.

Not here: what the bytes mean (``device_agent.sensors.spi_converter``).
"""

import ctypes
import errno
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from device_agent.errors import SensorError

MOST_TRANSFERS = 511
"""In one call: its number holds the size of its argument in 14 bits (Linux, ``spidev.h``)."""

LONGEST_PAUSE_US = 2**16 - 1

_TRANSFER = np.dtype(
    [
        ("tx_buf", "u8"),
        ("rx_buf", "u8"),
        ("len", "u4"),
        ("speed_hz", "u4"),
        ("delay_usecs", "u2"),
        ("bits_per_word", "u1"),
        ("cs_change", "u1"),
        ("rest", "u1", (4,)),
    ]
)
"""``struct spi_ioc_transfer`` of Linux's ``spidev.h``, 32 bytes on every machine."""

_SET_MODE = 0x40016B01
_MESSAGE = 0x40006B00

Frames = npt.NDArray[np.uint8]
"""Bytes, shape ``[transfers, bytes of one]``."""


class SpiDevice:
    """One chip on an SPI bus, mode 0.

    Args:
        path: Of its device file.

    Raises:
        SensorError: No such device, no permission, or no SPI device.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._ioctl = ctypes.CDLL(None, use_errno=True).ioctl
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as exc:
            raise _cannot_open(path, exc) from exc
        try:
            self.call(_SET_MODE, np.zeros(1, np.uint8))
        except SensorError:
            self.close()
            raise

    def __str__(self) -> str:
        return self._path

    def call(self, request: int, argument: npt.NDArray[np.generic]) -> None:
        """One ioctl(2) on an array's memory. Raises ``SensorError``."""
        if self._file < 0:
            raise SensorError(f"{self}: closed")
        ctypes.set_errno(0)
        if self._ioctl(self._file, ctypes.c_ulong(request), ctypes.c_void_p(argument.ctypes.data)) < 0:
            raise _failed(self._path, ctypes.get_errno())

    def close(self) -> None:
        """Gives the device back. A second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Burst:
    """Scans that the kernel does in one call, each the same transfers, with the chip released after every one.

    Args:
        device: Whose.
        frames: What is sent for one scan.
        scans: How many.
        speed_hz: Of the bus's clock.
    """

    def __init__(self, device: SpiDevice, frames: Sequence[bytes], scans: int, *, speed_hz: int) -> None:
        self._device = device
        self._sent = np.array([list(frame) for frame in frames] * scans, np.uint8)
        self._received: Frames = np.zeros_like(self._sent)
        count, length = self._sent.shape
        at = np.arange(count, dtype=np.uint64) * np.uint64(length)
        self._transfers = np.zeros(count, _TRANSFER)
        self._transfers["tx_buf"] = self._sent.ctypes.data + at
        self._transfers["rx_buf"] = self._received.ctypes.data + at
        self._transfers["len"], self._transfers["speed_hz"], self._transfers["bits_per_word"] = length, speed_hz, 8
        self._transfers["cs_change"][:-1] = 1  # on the last one it would mean to keep the chip selected
        self._request = _MESSAGE | self._transfers.nbytes << 16
        self._ends = slice(len(frames) - 1, count - 1, len(frames))

    def run(self, pause_us: int) -> Frames:
        """Does it all; returns what was received, valid until the next run.

        Args:
            pause_us: Between a scan's last transfer and the next scan.

        Raises:
            SensorError: The bus failed.
        """
        self._transfers["delay_usecs"][self._ends] = pause_us
        self._device.call(self._request, self._transfers)
        return self._received


def _cannot_open(path: str, exc: OSError) -> SensorError:
    if exc.errno == errno.ENOENT:
        return SensorError(f"{path}: no such SPI device", remedy="sudo raspi-config nonint do_spi 0; ls /dev/spidev*")
    if exc.errno == errno.EACCES:
        return SensorError(f"{path}: no permission", remedy="sudo usermod -aG spi USER, and log in again")
    return SensorError(f"{path}: {exc.strerror or exc}", remedy="name an SPI device: ls /dev/spidev*")


def _failed(path: str, number: int) -> SensorError:
    if number == errno.ENOTTY:
        return SensorError(f"{path}: is no SPI device", remedy="name one: ls /dev/spidev*")
    if number == errno.EMSGSIZE:
        return SensorError(f"{path}: more bytes than it takes at once", remedy="spidev.bufsiz=65536 in cmdline.txt")
    return SensorError(f"{path}: {os.strerror(number)}", remedy="check the wiring; dmesg may say more")
