"""A 1-Wire bus as the kernel shows it in sysfs: a folder a probe, with the probe's scratchpad in it."""

from pathlib import Path

from device_agent.sensors.chips.crc8 import maxim


def scratchpad(raw: int, *, bits: int = 12, converted: bool = True) -> bytes:
    """What a probe holds (data sheet, figure 7); byte 6 counts down from 0x10, and is 0x0C before any conversion."""
    byte_6 = 0x10 - (raw & 0xF) if converted else 0x0C
    data = raw.to_bytes(2, "little", signed=True) + bytes([0x4B, 0x46, (bits - 9) << 5 | 0x1F, 0xFF, byte_6, 0x10])
    return sealed(data)


def sealed(data: bytes) -> bytes:
    return data + bytes([maxim(data)])


def shown(data: bytes, *, verdict: str | None = None) -> str:
    """The text of ``w1_slave`` for nine bytes."""
    crc = maxim(data[:-1])
    written = " ".join(f"{byte:02x}" for byte in data)
    raw = int.from_bytes(data[:2], "little", signed=True)
    return (
        f"{written} : crc={crc:02x} {verdict or ('YES' if crc == data[-1] else 'NO')}\n{written} t={raw * 1000 // 16}\n"
    )


class SimulatedOneWire:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def put(self, probe: str, text: str) -> None:
        (self.folder / probe).mkdir(exist_ok=True)
        (self.folder / probe / "w1_slave").write_text(text)

    def pull(self, probe: str) -> None:
        (self.folder / probe / "w1_slave").unlink()
        (self.folder / probe).rmdir()
