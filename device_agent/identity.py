"""Who this gateway is right now: its name and the boot it runs under."""

import time
from pathlib import Path
from typing import NamedTuple

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Identity(NamedTuple):
    """Gateway and boot.

    Attributes:
        gateway_id: The thing's name.
        boot_id: Random, new at each boot (proc(5), ``random/boot_id``), 32 hex digits.
    """

    gateway_id: str
    boot_id: str


def read_identity(gateway_id: str, boot_id_file: Path = _BOOT_ID) -> Identity:
    """The identity under this boot."""
    return Identity(gateway_id, boot_id_file.read_text(encoding="ascii").strip().replace("-", ""))


def monotonic_ns() -> int:
    """Nanoseconds since boot, time in suspend included (clock_gettime(2), ``CLOCK_BOOTTIME``)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
