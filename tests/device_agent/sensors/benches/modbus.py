"""Two devices of pymodbus's own server, over TCP and over a serial line."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device_agent.sensors.modbus import ModbusRtu, ModbusTcp
from device_agent.sensors.modbus_registers import Register
from device_agent.sensors.port import ChannelOverride
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker
from tests.device_agent.sensors.modbus_server import Devices, over_serial, over_tcp
from twin.ports import LOOPBACK

TIMEOUT_S = 0.2
REGISTERS = {"volts": Register(address=0, type="float32", unit="V"), "level": Register(address=2, device=2, unit="mm")}
RANGES = {"volts": ChannelOverride(low=0, high=400), "level": ChannelOverride(low=0, high=5000)}
WORDS = {1: [0x4366, 0x8000, 0, 0], 2: [0, 0, 42, 0]}


def _bench(config: ModbusTcp | ModbusRtu, devices: Devices) -> Bench:
    def silence() -> None:
        devices.silent.update(WORDS)

    def garble(any_bits: random.Random) -> None:
        for words in devices.words.values():
            words[:] = [any_bits.getrandbits(16) for _ in words]

    return Bench(
        config=config,
        cut=silence,
        mend=devices.heal,
        hang=silence,
        longest_s=2 * TIMEOUT_S * len(WORDS),
        garble=garble,
    )


@contextmanager
def _tcp(_folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    devices = Devices(WORDS)
    with over_tcp(devices) as port:
        config = ModbusTcp(
            name="m", host=LOOPBACK, port=port, registers=REGISTERS, channels=RANGES, timeout_s=TIMEOUT_S
        )
        yield _bench(config, devices)


@contextmanager
def _rtu(_folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    devices = Devices(WORDS)
    with over_serial(devices) as port:
        config = ModbusRtu(
            name="m", port=port, parity="none", registers=REGISTERS, channels=RANGES, timeout_s=TIMEOUT_S
        )
        yield _bench(config, devices)


BENCHES: dict[str, BenchMaker] = {"modbus_tcp": _tcp, "modbus_rtu": _rtu}
