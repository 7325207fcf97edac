"""The Modbus drivers against pymodbus's own server: over TCP, and over a serial line made of pseudo-terminals."""

import contextlib
import math
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.modbus import Modbus, ModbusConfig, ModbusRtu, ModbusTcp
from device_agent.sensors.modbus_line import RefusedError, SilentError
from device_agent.sensors.modbus_registers import Register, Request
from tests.device_agent.sensors.modbus_server import Devices, over_serial, over_tcp
from twin.ports import LOOPBACK, free_ports

TIMEOUT_S = 0.2
VOLTS = list(struct.unpack(">2H", struct.pack(">f", 230.5)))
FIRST = [*VOLTS, 0xFFFE, 7] + [0] * 16
SECOND = [42] + [0] * 19
REGISTERS = {
    "volts": Register(address=0, type="float32", unit="V"),
    "amps": Register(address=2, type="int16", scale=0.1, unit="A"),
    "running": Register(address=3, table="coil"),
    "fuse": Register(address=3, type="bit", bit=2),
    "level": Register(address=0, table="input", device=2),
}


@pytest.fixture
def devices() -> Devices:
    return Devices({1: FIRST, 2: SECOND}, coils=[False, False, False, True] + [False] * 12)


@contextlib.contextmanager
def served(kind: str, devices: Devices) -> Iterator[ModbusConfig]:
    if kind == "tcp":
        with over_tcp(devices) as port:
            yield ModbusTcp(name="m", host=LOOPBACK, port=port, registers=REGISTERS, timeout_s=TIMEOUT_S)
    else:
        with over_serial(devices) as port:
            yield ModbusRtu(name="m", port=port, parity="none", registers=REGISTERS, timeout_s=TIMEOUT_S)


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
def test_values_of_several_devices_are_read_from_one_line(kind: str, devices: Devices) -> None:
    with served(kind, devices) as config:
        sensor = config.open()
        reading = sensor.read()
        sensor.close()
    assert dict(reading.gaps) == {}
    assert reading.values == (230.5, pytest.approx(-0.2), 1.0, 1.0, 42.0)


def test_neighbours_cost_one_request(devices: Devices) -> None:
    with served("tcp", devices) as config:
        sensor = config.open()
        sensor.read()
        sensor.close()
    assert sorted(devices.asked) == [(1, 3, 1), (3, 0, 4), (4, 0, 1)]


def test_a_refused_request_is_a_gap_in_its_own_channels_only(devices: Devices) -> None:
    devices.failing.add(3)  # the coil; the block of registers begins at 0
    with served("tcp", devices) as config:
        sensor = config.open()
        reading = sensor.read()
        sensor.close()
    assert dict(reading.gaps) == {"running": "device 1, coil 3..3: device failure"}
    assert math.isnan(reading.values[2])


def test_an_address_that_a_device_lacks_is_a_gap_that_says_so(devices: Devices) -> None:
    with over_tcp(devices) as port:
        registers = {"a": Register(address=0), "b": Register(address=500)}
        sensor = ModbusTcp(name="m", host=LOOPBACK, port=port, registers=registers).open()
        reading = sensor.read()
        sensor.close()
    assert dict(reading.gaps) == {"b": "device 1, holding 500..500: illegal data address"}


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
def test_a_silent_device_delays_once_and_leaves_the_others_alone(kind: str, devices: Devices) -> None:
    devices.silent.add(2)
    with served(kind, devices) as config:
        sensor = config.open()
        reading = sensor.read()
        assert dict(reading.gaps) == {"level": "device 2, input 0..0: no answer in time"}
        began = time.monotonic()
        again = sensor.read()
        assert time.monotonic() - began < TIMEOUT_S  # it was not asked again
        assert again.gaps == reading.gaps
        assert again.values[0] == 230.5
        sensor.close()


def test_a_line_on_which_nobody_answers_fails_within_its_bound(devices: Devices) -> None:
    devices.silent.update((1, 2))
    with served("tcp", devices) as config:
        sensor = config.open()
        began = time.monotonic()
        with pytest.raises(SensorError, match="no answer in time"):
            sensor.read()
        assert time.monotonic() - began < 5 * TIMEOUT_S
        sensor.close()


def test_a_server_that_comes_back_is_read_again(devices: Devices) -> None:
    port = free_ports(1)[0]
    config = ModbusTcp(name="m", host=LOOPBACK, port=port, registers=REGISTERS, timeout_s=TIMEOUT_S)
    with over_tcp(devices, port):
        sensor = config.open()
        assert sensor.read().values[0] == 230.5
    with pytest.raises(SensorError):
        sensor.read()
    sensor.close()
    with pytest.raises(SensorError, match=f"{LOOPBACK}:{port}: no connection"):
        config.open()
    with over_tcp(devices, port):
        again = config.open()
        assert again.read().values[0] == 230.5
        again.close()


def test_a_peer_that_talks_garbage_is_silence_within_the_bound() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        talk = threading.Thread(target=_babble, args=(listener,))
        talk.start()
        config = ModbusTcp(
            name="m", host=LOOPBACK, port=listener.getsockname()[1], registers=REGISTERS, timeout_s=TIMEOUT_S
        )
        sensor = config.open()
        began = time.monotonic()
        with pytest.raises(SensorError):
            sensor.read()
        assert time.monotonic() - began < 10 * TIMEOUT_S
        sensor.close()
    talk.join(5)


def _babble(listener: socket.socket) -> None:
    listener.settimeout(2 * TIMEOUT_S)
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            with peer, contextlib.suppress(OSError):
                peer.recv(256)
                for _ in range(20):
                    peer.sendall(b"\xff" * 64)
                    time.sleep(0.01)


def test_a_rate_that_a_serial_line_cannot_carry_is_refused_with_the_reason() -> None:
    registers = {f"r{number}": Register(address=number) for number in range(100)}
    config = ModbusRtu(name="m", port="/dev/null", baud=9600, rate_hz=10, registers=registers)
    with pytest.raises(ConfigError, match=r"rate_hz 10: one reading takes at least 0\.252 s at 9600 baud") as caught:
        config.describe()
    assert "at most 4" in caught.value.remedy


def test_a_port_that_is_not_there_is_an_error_that_may_pass() -> None:
    config = ModbusRtu(name="m", port="/dev/does-not-exist", registers={"a": Register(address=0)})
    with pytest.raises(SensorError, match="/dev/does-not-exist"):
        config.open()


class ScriptedLine:
    """A line whose answers a test writes; counts how often each device is asked."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        self.refusing: set[int] = set()
        self.asked: list[int] = []
        self.closed = 0

    def ask(self, request: Request) -> tuple[int, ...]:
        self.asked.append(request.device)
        if request.device in self.silent:
            raise SilentError("no answer in time")
        if request.device in self.refusing:
            raise RefusedError("device busy")
        return (1,) * request.length

    def close(self) -> None:
        self.closed += 1


def test_the_pauses_of_a_silent_device_double_and_end_with_its_first_answer() -> None:
    line, now_s = ScriptedLine(), [0.0]
    config = ModbusTcp(name="m", host="h", registers={"a": Register(address=0), "b": Register(address=0, device=2)})
    sensor = Modbus(config, line, lambda: round(now_s[0] * 1e9))
    line.silent.add(2)
    tried = []
    for tenth in range(400):
        now_s[0] = tenth / 10
        before = line.asked.count(2)
        sensor.read()
        tried += [now_s[0]] * (line.asked.count(2) - before)
    assert tried == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]
    line.silent.clear()
    now_s[0] = 70
    assert not sensor.read().gaps
    line.silent.add(2)
    now_s[0] = 71
    sensor.read()
    now_s[0] = 72.1
    sensor.read()
    assert line.asked.count(2) == len(tried) + 3


def test_devices_that_all_refuse_are_gaps_and_no_failure_of_the_line() -> None:
    line = ScriptedLine()
    line.refusing.update((1, 2))
    config = ModbusTcp(name="m", host="h", registers={"a": Register(address=0)})
    assert Modbus(config, line, lambda: 0).read().gaps == {"a": "device 1, holding 0..0: device busy"}


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
def test_an_answer_that_comes_late_is_never_taken_for_the_next_one(kind: str, devices: Devices) -> None:
    with served(kind, devices) as config:
        now_s, opened = [0.0], config.open()
        sensor = Modbus(config, opened._line, lambda: round(now_s[0] * 1e9))
        devices.silent.add(2)
        assert "level" in sensor.read().gaps
        devices.heal()  # the 42 of the first question is said only now
        devices.words[2][0] = 17
        for _ in range(10):  # on a busy machine a time-out may pass again
            now_s[0] += 60.0
            reading = sensor.read()
            assert reading.values[4] != 42.0
            if not reading.gaps:
                break
        assert reading.values[4] == 17.0
        sensor.close()
