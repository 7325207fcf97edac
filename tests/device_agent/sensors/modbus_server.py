"""pymodbus's own server, over TCP on loopback or over a pair of pseudo-terminals, in a thread of its own."""

import asyncio
import contextlib
import os
import pty
import select
import threading
import time
import tty
from collections.abc import Awaitable, Callable, Iterator

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from twin.ports import LOOPBACK, free_ports

_DEADLINE_S = 10.0
_SETTLE_S = 0.3
_TURNS = 5
"""Of a loop, in which it opens or closes what it was told to."""
BITS = 16
READS_REGISTERS = (3, 4)
"""Function codes."""


class Devices:
    """What the devices hold, and how they misbehave; a test may change it while the server runs.

    Attributes:
        words: Registers by device, from address 0.
        silent: Devices that do not answer until they are taken out again; then they answer late.
        asked: Function code, address and count of every request so far.
        failing: Addresses whose requests are answered with "device failure".
    """

    def __init__(self, registers: dict[int, list[int]], *, coils: list[bool] | None = None) -> None:
        self.words = {number: list(words) for number, words in registers.items()}
        self._coils = coils or [False] * BITS
        self.silent: set[int] = set()
        self.failing: set[int] = set()
        self.asked: list[tuple[int, int, int]] = []
        self._held = 0

    def heal(self) -> None:
        """Lets all devices answer, and waits until they said what they were still asked for."""
        self.silent.clear()
        deadline = time.monotonic() + _DEADLINE_S
        while self._held and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.02)  # on a line, what they said is on its way

    def sim_devices(self) -> list[SimDevice]:
        """As pymodbus wants them."""
        return [self._device(number, words) for number, words in self.words.items()]

    def _device(self, number: int, words: list[int]) -> SimDevice:
        async def action(
            code: int, start: int, address: int, count: int, current: list[int], _values: object
        ) -> ExcCodes | None:
            self.asked.append((code, address, count))
            self._held += 1
            while number in self.silent:  # noqa: ASYNC110 - the test's thread ends it, and knows no event of this loop
                await asyncio.sleep(0.01)
            self._held -= 1
            if code in READS_REGISTERS:
                current[: len(words)] = self.words[number][start:]
            return ExcCodes.DEVICE_FAILURE if address in self.failing else None

        block = [SimData(0, values=words, datatype=DataType.REGISTERS)]
        bits = [SimData(0, values=self._coils, datatype=DataType.BITS)]
        return SimDevice(number, (bits, bits, block, block), action=action)


Serve = Callable[[], Awaitable[ModbusTcpServer | ModbusSerialServer]]


@contextlib.contextmanager
def _served(start: Serve, devices: Devices) -> Iterator[None]:
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await start()
        await server.serve_forever(background=True)
        ready.set()
        await stop.wait()
        await _end(server)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="modbus-server")
    thread.start()
    assert ready.wait(_DEADLINE_S)
    try:
        yield
    finally:
        devices.heal()
        loop.call_soon_threadsafe(stop.set)
        thread.join(_DEADLINE_S)
        loop.close()


def _open(loop: asyncio.AbstractEventLoop) -> list[asyncio.Transport]:
    return [one for one in loop._transports.values() if not one.is_closing()]


async def _end(server: ModbusTcpServer | ModbusSerialServer) -> None:
    """Closes the server once the connections that it was making or losing just then are made or lost."""
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    settled = loop.time() + _SETTLE_S
    while loop.time() < settled and (asyncio.all_tasks() != {this} or _open(loop)):  # noqa: ASYNC110 - pymodbus tells of neither
        await asyncio.sleep(0.002)
    await server.shutdown()
    for _ in range(_TURNS):
        for transport in _open(loop):
            transport.abort()
        await asyncio.sleep(0.002)
    rest = asyncio.all_tasks() - {this}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextlib.contextmanager
def over_tcp(devices: Devices, port: int | None = None) -> Iterator[int]:
    """The port on 127.0.0.1."""
    port = port or free_ports(1)[0]

    async def start() -> ModbusTcpServer:
        return ModbusTcpServer(devices.sim_devices(), address=(LOOPBACK, port))

    with _served(start, devices):
        yield port


@contextlib.contextmanager
def over_serial(devices: Devices) -> Iterator[str]:
    """Path of the client's end of the line."""
    with _line() as (near, far):

        async def start() -> ModbusSerialServer:
            return ModbusSerialServer(devices.sim_devices(), port=far, baudrate=19200)

        with _served(start, devices):
            yield near


@contextlib.contextmanager
def _line() -> Iterator[tuple[str, str]]:
    """Two pseudo-terminals joined: what one's user writes, the other's reads."""
    ends = [pty.openpty(), pty.openpty()]
    for _, slave in ends:
        tty.setraw(slave)
    masters = [master for master, _ in ends]
    ended, end = os.pipe()

    def relay() -> None:
        while True:
            readable, _, _ = select.select([*masters, ended], [], [], _DEADLINE_S)
            if ended in readable:
                return
            for one in readable:
                os.write(masters[1 - masters.index(one)], os.read(one, 4096))

    thread = threading.Thread(target=relay, name="line")
    thread.start()
    try:
        yield os.ttyname(ends[0][1]), os.ttyname(ends[1][1])
    finally:
        os.write(end, b"x")
        thread.join(_DEADLINE_S)
        for descriptor in (*masters, *(slave for _, slave in ends), ended, end):
            os.close(descriptor)
