"""What is sent instead of the readings: events of the real pipeline, against the same readings in other forms.

``raw`` is one JSON array a scan, as a naive agent publishes. ``gzip columns`` loses nothing: a minute of readings,
column by column in JSON at the same resolution, compressed; whoever wants to save bytes can do that without any
filter, so that is what the filter is compared with. Without topics, envelopes and TLS on either side.
"""

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from contract.codec import encode_event
from contract.kinds import AnyEvent, lane_of
from device_agent.condense.grid import Grid
from device_agent.condense.notes import MemoryNotes
from device_agent.config import GatewayConfig
from device_agent.filters.model import LevelModel
from device_agent.filters.store import MemoryCalibrations
from device_agent.identity import Identity
from device_agent.pipeline import SensorPipeline
from device_agent.scoring import FINEST_RESOLUTION
from device_agent.sensor_memory import Memory
from device_agent.sensors.port import Channel, Scan
from device_agent.sensors.replay import ReplaySensor
from training.rivals.scene import Bools, Floats, Scene

BLOCK_S: Final = 60.0
"""As long as a gateway's summary window is by default, so that both tell of a reading equally late."""

_LEVEL: Final = 9


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes for some recordings.

    Attributes:
        scans: Of all channels at once.
        raw: One JSON array a scan.
        gzip_columns: A minute of columns, compressed.
        sent: By lane, each event as JSON.
        fewer_than_raw: ``raw`` by all that is sent.
        fewer_than_gzip: ``gzip_columns`` by all that is sent.
    """

    scans: int
    raw: int
    gzip_columns: int
    sent: dict[str, int]
    fewer_than_raw: float
    fewer_than_gzip: float


class _Counted(NamedTuple):
    scans: int
    raw: int
    gzip_columns: int
    sent: Counter[str]


def finest(scene: Scene) -> tuple[Channel, ...]:
    """The channels of a scene whose recording does not say their resolution, as ``thresher score`` takes them."""
    return tuple(Channel(name=name, resolution=FINEST_RESOLUTION) for name in scene.channels)


def measure(scenes: Iterable[tuple[Scene, Sequence[Channel]]]) -> Traffic:
    """Adds up what each scene gives."""
    counted = [_count(scene, channels) for scene, channels in scenes]
    sent = sum((each.sent for each in counted), Counter[str]())
    raw, columns = sum(each.raw for each in counted), sum(each.gzip_columns for each in counted)
    return Traffic(
        scans=sum(each.scans for each in counted),
        raw=raw,
        gzip_columns=columns,
        sent=dict(sent),
        fewer_than_raw=round(raw / max(1, sent.total()), 2),
        fewer_than_gzip=round(columns / max(1, sent.total()), 2),
    )


def words(found: Traffic) -> str:
    """One line for people."""
    lanes = ", ".join(f"{lane} {count:,}" for lane, count in sorted(found.sent.items()))
    return (
        f"Bytes for {found.scans:,} scans: JSON {found.raw:,}; gzip-ed columns of a minute {found.gzip_columns:,}; "
        f"sent {sum(found.sent.values()):,} ({lanes}): {found.fewer_than_raw:g} times less than JSON, "
        f"{found.fewer_than_gzip:g} times less than gzip-ed columns."
    )


def _count(scene: Scene, channels: Sequence[Channel]) -> _Counted:
    pipeline, decimals = _pipeline(scene, channels), Grid(channels).decimals
    sent: Counter[str] = Counter()
    for event in _events(pipeline, scene):
        sent[lane_of(event)] += len(encode_event(event))
    blocks = ((scene.times_s - scene.times_s[0]) // BLOCK_S).astype(int)
    columns = sum(_compressed(scene, blocks == block, decimals) for block in np.unique(blocks))
    return _Counted(len(scene.values), pipeline.raw_bytes, columns, sent)


def _pipeline(scene: Scene, channels: Sequence[Channel]) -> SensorPipeline:
    sensor = "recording"
    config = GatewayConfig(gateway="evaluate", state_dir="none", sensors=[ReplaySensor(name=sensor, path="none")])
    return SensorPipeline(
        sensor,
        channels,
        1 / usual_step_s(scene),
        config=config,
        identity=Identity(config.gateway, "0" * 32),
        model=LevelModel.load(None, len(channels)),
        memory=Memory(MemoryCalibrations(), MemoryNotes()),
    )


def _events(pipeline: SensorPipeline, scene: Scene) -> Iterator[AnyEvent]:
    step, begin = usual_step_s(scene), float(scene.times_s[0])
    at = (0, 0)
    for time, values in zip(scene.times_s.tolist(), scene.values.tolist(), strict=True):
        at = (round(time * 1000), round((time - begin) * 1e9))
        gaps = {name: "empty" for name, value in zip(scene.channels, values, strict=True) if not np.isfinite(value)}
        yield from pipeline.push(Scan(round((time - begin) / step), *at, tuple(values), gaps))
    yield from pipeline.finish(*at)


def usual_step_s(scene: Scene) -> float:
    """Median time between rows."""
    return float(np.median(np.diff(scene.times_s)))


def _compressed(scene: Scene, rows: Bools, decimals: Sequence[int]) -> int:
    times = np.rint(scene.times_s[rows] * 1000).astype(int)
    columns = [_plain(column, digits) for column, digits in zip(scene.values[rows].T, decimals, strict=True)]
    block = [int(times[0]), np.diff(times).tolist(), *columns]
    return len(gzip.compress(msgspec.json.encode(block), _LEVEL))


def _plain(column: Floats, digits: int) -> list[float | None]:
    return [round(value, digits or None) if np.isfinite(value) else None for value in column.tolist()]
