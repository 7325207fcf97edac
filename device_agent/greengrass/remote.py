"""Sensors that another process reads: blocks heard from the nucleus, judged by the same stages as scans taken here.

```
subscription ─▶ bounded queue ─▶ judge thread ─▶ the sensor's condenser ─▶ accept (fsync)
```
A lost block is a stretch without scans: the window forgets it, the numbers count it, Health says it. A sensor appears
with its first block; one that says nothing for ``SILENT_NS`` has failed; one that a later start of the reader does not
speak of for ``LEFT_NS`` has left.

Not here: what a block is (``blocks``).
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from typing import Final

from contract.health import SensorHealth
from device_agent.condenser import Condenser, Shape, Surroundings
from device_agent.errors import SensorError
from device_agent.greengrass.blocks import ANY_SENSOR, Block, unpack, unpacked_channels
from device_agent.ipc.operations import SubscribeToTopic, TopicMessage
from device_agent.ipc.port import Nucleus, Subscription
from device_agent.line import Line
from device_agent.sampling.sampler import Counters
from device_agent.spectrum_line import spectrum_line
from device_agent.supervisor import Supervisor
from device_agent.told import told

SILENT_NS: Final = 10_000_000_000
"""More than two of the reader's signs of life."""

LEFT_NS: Final = 60_000_000_000
MOST_SENSORS: Final = 64
_WAITING: Final = 256
_PATIENCE_S: Final = 0.2

logger = logging.getLogger(__name__)


class RemoteSensor:
    """One sensor of another process; see ``device_agent.line.Line``. One thread takes; any may look.

    Args:
        block: The first that was heard of it.
        around: What all sensors of this process share.

    Attributes:
        condenser: See ``Line``.
        spectrum: What is made of its vibrations, if anything is.

    Raises:
        ConfigError: What is asked of its vibrations cannot be had.
        SensorError: The block makes no sense.
        ModelError: The model cannot be used.
    """

    def __init__(self, block: Block, around: Surroundings) -> None:
        self._channels = unpacked_channels(block.shape)
        self._shape = block.shape, block.rate_hz, block.speed
        self._clock = around.clock
        self.condenser = Condenser(Shape(block.sensor, self._channels, block.rate_hz, block.speed), around)
        self.spectrum = spectrum_line(self.condenser, around)
        self._run, self._number = block.run, block.number - 1
        self._counted, self._failing = Counters(), False
        self._heard_ns = around.clock.monotonic_ns()
        self._lost_reason = ""
        self._blocks = {"blocks": 0, "blocks_lost": 0, "blocks_repeated": 0, "blocks_given_up": 0}

    def is_like(self, block: Block) -> bool:
        """Whether the block is of the same channels at the same rate."""
        return self._shape == (block.shape, block.rate_hz, block.speed)

    def take(self, block: Block) -> None:
        """Judges a block.

        Raises:
            SensorError: It makes no sense.
        """
        scans = block.scans(self._channels)
        if not self._is_next(block):
            return
        self._heard_ns = self._clock.monotonic_ns()
        self._counted, self._failing = block.counted, block.failing
        self._blocks["blocks"] += 1
        self._blocks["blocks_given_up"] = block.dropped
        self.condenser.take(scans)
        if self.spectrum:
            self.spectrum.take(scans)

    def finish(self) -> None:
        """What waits comes out."""
        self.condenser.finish()
        if self.spectrum:
            self.spectrum.condenser.finish()

    def is_left_by(self, run: str) -> bool:
        """Whether the reader's start ``run`` has had time enough to speak of this sensor, and did not."""
        return run != self._run and self._silent_ns() > LEFT_NS

    def health(self) -> SensorHealth:
        """See ``Line``."""
        silent = self._silent_ns() > SILENT_NS
        reason = self._lost_reason or self._counted.last_gap
        counted = self._counted._replace(last_gap="the reader says nothing" if silent else reason)
        return told(counted, self.condenser, failing=self._failing or silent)

    def counters(self) -> Mapping[str, int]:
        """See ``Line``."""
        return {"failures": self._counted.failures, **self._blocks, **self.condenser.counters}

    def _silent_ns(self) -> int:
        return self._clock.monotonic_ns() - self._heard_ns

    def _is_next(self, block: Block) -> bool:
        """Whether it is new; a jump is counted."""
        expected = self._number + 1 if block.run == self._run else 1
        if block.number < expected:
            self._blocks["blocks_repeated"] += 1
            return False
        lost = block.number - expected
        if lost:
            self._blocks["blocks_lost"] += lost
            self._lost_reason = f"{lost} blocks lost between reader and filter"
            logger.warning("blocks.lost", extra={"sensor": block.sensor, "blocks": lost, "before": block.number})
        self._run, self._number = block.run, block.number
        return True


class RemoteSensors:
    """All of them; see ``device_agent.line.Lines``.

    Args:
        around: What they share.
        nucleus: Tells of blocks.

    Attributes:
        refused: Blocks that made no sense, came too fast, or were of another boot.
    """

    def __init__(self, around: Surroundings, nucleus: Nucleus) -> None:
        self._around = around
        self._nucleus = nucleus
        self._sensors: dict[str, RemoteSensor] = {}
        self._queue: queue.Queue[bytes] = queue.Queue(maxsize=_WAITING)
        self._subscription: Subscription | None = None
        self._run = ""
        self.refused = 0

    def start(self, supervisor: Supervisor) -> None:
        """See ``Lines``."""
        self._subscription = self._nucleus.subscribe(SubscribeToTopic(ANY_SENSOR), self._hear)
        supervisor.start("judge", self._judge)

    def all(self) -> Sequence[Line]:
        """See ``Lines``."""
        return [each for sensor in list(self._sensors.values()) for each in (sensor, sensor.spectrum) if each]

    def take(self, message: bytes) -> None:
        """Judges one message; what makes no sense is counted and said."""
        try:
            block = unpack(message)
            self._check(block)
            self._sensor(block).take(block)
            self._run = block.run
        except SensorError as exc:
            self._refuse(str(exc))

    def retire(self) -> None:
        """Takes leave of sensors that the reader no longer has: a silent one that its latest start never spoke of."""
        for name, sensor in list(self._sensors.items()):
            if sensor.is_left_by(self._run):
                sensor.finish()
                del self._sensors[name]
                logger.info("sensor.left", extra={"sensor": name})

    def _hear(self, message: TopicMessage) -> None:
        try:
            self._queue.put_nowait(message.message)
        except queue.Full:
            self._refuse(f"{_WAITING} blocks wait already")

    def _judge(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                self.take(self._queue.get(timeout=_PATIENCE_S))
            self.retire()
        if self._subscription is not None:
            self._subscription.close()
        with contextlib.suppress(queue.Empty):
            while True:
                self.take(self._queue.get_nowait())
        for sensor in self._sensors.values():
            sensor.finish()

    def _check(self, block: Block) -> None:
        if block.boot_id != self._around.identity.boot_id:
            raise SensorError(f"a block of {block.sensor} is of another boot")
        if block.sensor not in self._sensors and len(self._sensors) >= MOST_SENSORS:
            raise SensorError(f"a block of {block.sensor}: there are {MOST_SENSORS} sensors already")

    def _sensor(self, block: Block) -> RemoteSensor:
        known = self._sensors.get(block.sensor)
        if known is not None and known.is_like(block):
            return known
        if known is not None:
            known.finish()  # first: the new one goes on from what this one keeps
        new = RemoteSensor(block, self._around)
        new.condenser.accepted = known.condenser.accepted if known is not None else 0
        self._sensors[block.sensor] = new
        logger.info("sensor.heard", extra={"sensor": block.sensor, "rate_hz": block.rate_hz})
        return new

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        if self.refused == 1:
            logger.warning("block.refused", extra={"reason": reason})
