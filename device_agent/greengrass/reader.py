"""``io.thresher.SensorReader``: takes scans and hands them on in blocks; nothing is judged or kept here.

```
sampler thread ──ScanQueue──▶ sender thread: a block every half second ─▶ held (bounded) ─▶ nucleus, in order
```
While the nucleus is away blocks wait in memory and go in order when it is back; what does not fit is given up, the
oldest first, and the next block says how many.

Not here: a filter that is away. The nucleus keeps nothing for it; it sees by the numbers what it missed.
"""

import logging
import secrets
import threading
from collections import deque
from typing import Final

import msgspec

from contract.topics import blocks_topic
from device_agent.config import GatewayConfig
from device_agent.crew import Stage
from device_agent.greengrass.blocks import Heading, Packer, packed_channels
from device_agent.greengrass.component import Inside
from device_agent.greengrass.serving import Service
from device_agent.identity import read_identity
from device_agent.ipc.errors import LostError, ServiceRefusedError
from device_agent.ipc.operations import PublishToTopic
from device_agent.ipc.port import ANSWER_S, Nucleus
from device_agent.machine import Machine
from device_agent.sampling.queue import ScanQueue
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.sensors.scan_block import singly
from device_agent.status import StatusFile
from device_agent.supervisor import Supervisor

STATUS_FILE: Final = "reader-status.json"
BLOCK_EVERY_S: Final = 0.5
SIGN_OF_LIFE_NS: Final = 4_000_000_000
"""A sensor that gave no scan so long, because it is slow or hangs, sends a block without any: its counts."""

HOLD_BYTES: Final = 2 * 1024 * 1024
"""Of one sensor's blocks: half an hour of eight channels at 10 Hz."""

_STATUS_EVERY_S: Final = 1.0
_ENDS_S: Final = 1.5

logger = logging.getLogger(__name__)


class ReaderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What ``reader-status.json`` holds of one sensor, since its start.

    Attributes:
        sensor: Its name.
        scans: Taken.
        shed: Not handed on within the process.
        blocks: Taken by the nucleus.
        waiting: Held, because the nucleus is away.
        dropped: Given up.
    """

    sensor: str
    scans: int
    shed: int
    blocks: int
    waiting: int
    dropped: int


class ReadSensor:
    """One sensor's two threads.

    Args:
        sensor: Its configuration.
        nucleus: Takes blocks.
        machine: Paces and stamps.
        run: Names this start of the reader.
        boot_id: Under which it is read.
        hold_bytes: Of blocks that wait.

    Raises:
        ConfigError: It cannot work as configured.
    """

    def __init__(
        self,
        sensor: AnySensorConfig,
        nucleus: Nucleus,
        machine: Machine,
        *,
        run: str,
        boot_id: str,
        hold_bytes: int = HOLD_BYTES,
    ) -> None:
        self.name = sensor.name
        self._nucleus = nucleus
        self._clock = machine.clock
        self._packed_ns = machine.clock.monotonic_ns()
        self._queue = ScanQueue()
        self._sampler = Sampler(sensor, machine.clock, self._queue)
        channels = self._sampler.channels
        shape = packed_channels(sensor.name, channels)
        rate_hz, speed = self._sampler.rate_hz, self._sampler.speed
        self._packer = Packer(Heading(run, boot_id, sensor.name, rate_hz, speed, channels, shape))
        self._held: deque[bytes] = deque()
        self._held_bytes, self._hold_bytes = 0, hold_bytes
        self._sent = self._dropped = 0

    def sample(self, stop: threading.Event) -> None:
        """The sampler thread's work."""
        self._sampler.run(stop)

    def send(self, stop: threading.Event) -> None:
        """The sender thread's work; at its end, what waits is tried once more."""
        while not stop.wait(BLOCK_EVERY_S) and not self._queue.finished:
            self.step()
        self.step(wait_s=BLOCK_EVERY_S)

    def step(self, *, wait_s: float = 0) -> None:
        """Packs what was taken, then sends what waits, as far as the nucleus takes it."""
        scans, now_ns = list(singly(self._queue.take(wait_s), self._sampler.channels)), self._clock.monotonic_ns()
        if scans or now_ns - self._packed_ns >= SIGN_OF_LIFE_NS:
            self._packed_ns = now_ns
            counted, failing = self._sampler.counters, self._sampler.failing
            for block in self._packer.pack(scans, counted, failing=failing, dropped=self._dropped):
                self._hold(block)
        while self._held and self._offer(self._held[0]):
            self._held_bytes -= len(self._held.popleft())
            self._sent += 1

    def status(self) -> ReaderStatus:
        """How it is."""
        counted = self._sampler.counters
        return ReaderStatus(
            sensor=self.name,
            scans=counted.scans,
            shed=counted.shed,
            blocks=self._sent,
            waiting=len(self._held),
            dropped=self._dropped,
        )

    def _hold(self, block: bytes) -> None:
        self._held.append(block)
        self._held_bytes += len(block)
        while self._held_bytes > self._hold_bytes:
            self._held_bytes -= len(self._held.popleft())
            self._dropped += 1
            if self._dropped == 1:
                logger.error("reader.dropped", extra={"sensor": self.name, "reason": "the nucleus is away too long"})

    def _offer(self, block: bytes) -> bool:
        """Whether the nucleus took it; what it refuses for good ends the component, with its remedy."""
        try:
            self._nucleus.call(PublishToTopic(blocks_topic(self.name), block)).result(ANSWER_S + 1)
        except (LostError, ServiceRefusedError, TimeoutError):
            return False
        return True


class Read:
    """All sensors of a document.

    Args:
        inside: What the component has.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def stage(self) -> Stage:
        """For a crew."""
        return Stage("read", lambda config: (config.gateway, config.sensors, config.state_dir), self._run)

    def _run(self, config: GatewayConfig, stop: threading.Event) -> None:
        share, machine = self._inside.client.share(), self._inside.machine
        run, boot_id = secrets.token_hex(4), read_identity(config.gateway).boot_id
        sensors = [ReadSensor(each, share, machine, run=run, boot_id=boot_id) for each in config.sensors]
        supervisor, said = Supervisor(stop), StatusFile(self._inside.place.work / STATUS_FILE)
        for sensor in sensors:
            supervisor.start(f"sample-{sensor.name}", sensor.sample)
            supervisor.start(f"send-{sensor.name}", sensor.send)
        supervisor.start("status", lambda halt: _say(halt, said, sensors))
        supervisor.join(_ENDS_S)
        said.close(_encoded(sensors))


def sensor_reader(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""
    Service(inside).run([Read(inside).stage()])


def _say(stop: threading.Event, said: StatusFile, sensors: list[ReadSensor]) -> None:
    while not stop.wait(_STATUS_EVERY_S):
        said.write(_encoded(sensors))


def _encoded(sensors: list[ReadSensor]) -> bytes:
    return msgspec.json.encode([sensor.status() for sensor in sensors])
