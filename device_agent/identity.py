"""Who this gateway is right now: its name, the boot it runs under, the machine it runs on."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

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


def read_hardware(root: Path = Path("/")) -> str:
    """Fingerprints of this machine that an image of its disk does not carry along, as words; empty without any.

    ``board-…`` is the board's serial number (device tree, as on a Raspberry Pi), ``product-…`` the product's UUID
    (DMI, readable by root only), ``network-…`` the address of a network card, one word each. ``machine-id`` is not
    asked: it is a file, so a copied card copies it.

    Args:
        root: Where ``/proc`` and ``/sys`` are.
    """
    words = []
    for kind, path in _SERIALS.items():
        with contextlib.suppress(OSError):
            serial = (root / path).read_bytes().strip(b"\0 \n")
            if serial and serial.strip(b"0-Ff"):
                words.append(_digest(kind, serial))
    return " ".join(words + sorted(_digest("network", each) for each in _network_addresses(root / "sys/class/net")))


def is_same_machine(known: str, now: str) -> bool:
    """Whether two fingerprints can be of one machine; a process sees fewer words than one that runs as root.

    The first kind that both have decides, and one word in common is enough: network cards come and go. Without a
    fingerprint nothing speaks against it.
    """
    before, after = _by_kind(known), _by_kind(now)
    for kind in before:
        if kind in after:
            return bool(before[kind] & after[kind])
    return not (before and after)


def remembered(known: str, now: str) -> str:
    """What to keep as the machine's fingerprint: the latest that lacks no kind that was known."""
    return now if _by_kind(known).keys() <= _by_kind(now).keys() else known


def _by_kind(hardware: str) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for word in hardware.split():
        kinds.setdefault(word.partition("-")[0], set()).add(word)
    return kinds


_SERIALS: Final = {
    "board": "proc/device-tree/serial-number",
    "product": "sys/class/dmi/id/product_uuid",
}


def _network_addresses(folder: Path) -> Iterator[bytes]:
    """Of real devices, that have not been set by software (``addr_assign_type`` 0, sysfs-class-net)."""
    for card in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if (card / "device").exists() and (card / "addr_assign_type").read_bytes().strip() == b"0":
                yield (card / "address").read_bytes().strip()


def _digest(kind: str, value: bytes) -> str:
    return f"{kind}-{hashlib.sha256(value).hexdigest()[:16]}"
