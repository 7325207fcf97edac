"""What a spool writes over many hours, at the block device, without waiting for them.

Hours of the plant go through the real pipeline; each event is accepted, sealed, and forgotten by itself, as in a
gateway whose cloud answers each message at once: the most that can be asked of the disk. Calibration and the notes
of open episodes lie on the same disk. Copying the spool's log back, which two minutes of a real gateway
(``bench.wear``) seldom see, has its share here.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.disk import OwnDisk
from bench.feeder import Feeder
from bench.plant import CHANNELS, Plant
from contract.codec import encode_event
from contract.events import Lane, Loss
from contract.kinds import AnyEvent
from device_agent.config import GatewayConfig, SpoolConfig
from device_agent.sensor_memory import file_memory
from device_agent.sensors.replay import ReplaySensor
from device_agent.spool.opening import open_spool
from device_agent.spool.port import Accepted, Lost
from device_agent.spool.sqlite import SqliteSpool

FAULTS_PER_HOUR: Final = 1.0


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """The result.

    Attributes:
        hours: Simulated.
        samples: Channel values in them.
        events: Accepted, by lane.
        disk_bytes_per_sample: Written to the block device for each sample.
        disk_bytes_per_event: And for each event.
        flushes_per_day: Cache flushes the device was asked for, for 24 simulated hours.
        gb_per_day: 10⁹ bytes, for 24 simulated hours.
        json_bytes_per_day: Of the events themselves, by lane.
        hours_held: With the default limits a lane keeps the events of so many hours offline: its bytes or its age,
            whichever is reached first.
    """

    hours: int
    samples: int
    events: dict[Lane, int]
    disk_bytes_per_sample: float
    disk_bytes_per_event: int
    flushes_per_day: int
    gb_per_day: float
    json_bytes_per_day: dict[Lane, int]
    hours_held: dict[Lane, int]


class AnsweredAtOnce:
    """An ``Appender`` whose events the cloud stores one by one, at once.

    Attributes:
        json_bytes: Of the events that passed, by lane.
    """

    def __init__(self, spool: SqliteSpool) -> None:
        self.json_bytes: Counter[Lane] = Counter()
        self._spool = spool

    @property
    def spool_id(self) -> str:
        """See ``Appender``."""
        return self._spool.spool_id

    def append(self, boot_id: str, events: Sequence[AnyEvent], lost: Sequence[Lost] = ()) -> list[Accepted]:
        """See ``Appender``; each event is a transaction, and so are sealing and forgetting it."""
        if lost:
            self._spool.append(boot_id, [], lost)
        return [self._live(boot_id, event) for event in events]

    def tell_losses(self, boot_id: str, *, wall_ms: int, monotonic_ms: int) -> list[tuple[Loss, Accepted]]:
        """See ``Appender``."""
        return self._spool.tell_losses(boot_id, wall_ms=wall_ms, monotonic_ms=monotonic_ms)

    def _live(self, boot_id: str, event: AnyEvent) -> Accepted:
        (place,) = self._spool.append(boot_id, [event])
        self.json_bytes[place.lane] += len(encode_event(event))
        block = self._spool.take(place.lane, after=place.seq - 1, partial=True)
        if block is not None:
            self._spool.forget(place.lane, block.last_seq)
        return place


def measure(hours: int, folder: Path) -> Days:
    """Feeds so many hours to a spool on a disk of its own; ``folder`` takes the image."""
    with OwnDisk(folder) as disk:
        config = GatewayConfig(
            gateway="days", state_dir=str(disk.path), sensors=[ReplaySensor(name="plant", path="none")]
        )
        spool = open_spool(config, "")
        answered = AnsweredAtOnce(spool)
        feeder = Feeder(
            config,
            answered,
            end_wall_ms=time.time_ns() // 1_000_000,
            plant=Plant(faults_per_hour=FAULTS_PER_HOUR),
            memory=file_memory(disk.path, "plant"),
        )
        before = disk.written()
        fed = feeder.feed(hours)
        written = disk.written().since(before)
        spool.close()
    samples, days = fed.scans * len(CHANNELS), hours / 24
    return Days(
        hours=hours,
        samples=samples,
        events=fed.events,
        disk_bytes_per_sample=round(written.bytes / samples, 1),
        disk_bytes_per_event=round(written.bytes / sum(fed.events.values())),
        flushes_per_day=round(written.flushes / days),
        gb_per_day=round(written.bytes / days / 1e9, 3),
        json_bytes_per_day={lane: round(count / days) for lane, count in answered.json_bytes.items()},
        hours_held={lane: _held(lane, count / hours) for lane, count in answered.json_bytes.items()},
    )


def _held(lane: Lane, bytes_per_h: float) -> int:
    limit = getattr(SpoolConfig(), lane)
    return int(min(limit.max_bytes / bytes_per_h, limit.max_age_h))


def main() -> int:
    """Prints a day's figures."""
    with tempfile.TemporaryDirectory(prefix="thresher-days-") as folder:
        print(msgspec.json.format(msgspec.json.encode(measure(24, Path(folder))), indent=2).decode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
