"""From a converter's blocks to an episode: a bearing that begins to fail, through a whole line of the product."""

import math
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from contract.codec import decode_event, encode_event
from contract.events import Episode
from contract.readings import Context, Summary
from device_agent.clock import SimulatedClock
from device_agent.condenser import Condenser, Shape, Surroundings
from device_agent.config import ContextConfig, FilterConfig, GatewayConfig
from device_agent.errors import ConfigError
from device_agent.filters.models import ConfiguredModel
from device_agent.identity import Identity
from device_agent.line import SensorLines
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.drivers import HostSensor
from device_agent.sensors.port import (
    Block,
    Channel,
    ChannelOverride,
    Description,
    EndOfRecordingError,
    Scan,
    SensorConfig,
    override,
)
from device_agent.sensors.scan_block import ScanBlock
from device_agent.sensors.treatment import SpectralConfig
from device_agent.spectrum_line import spectrum_line

RATE_HZ = 1600.0
BLOCK_SCANS = 80
"""What gathers in 50 ms, which is how often blocks are asked for."""

ASKED = SpectralConfig(bands_hz=((10, 100), (100, 400), (400, 700)), window_s=0.25, segment_s=0.125)
FAULT_AFTER_S, ENDS_AFTER_S = 90, 130


class Motor(SensorConfig, frozen=True, kw_only=True, tag="motor"):
    """Turns at 25 Hz under a load that changes; its outer race is struck 90 times a second from ``fault_after_s`` on.

    Each strike rings at 550 Hz for some milliseconds; the whole vibration is hardly stronger for it.
    """

    fault_after_s: float = FAULT_AFTER_S
    loses_every: int = 0
    ends_after_s: float = ENDS_AFTER_S

    def describe(self) -> Description:
        channels = (Channel(name="x_g", unit="g", resolution=0.004, low=-16, high=16),)
        return Description(override(channels, self.channels), RATE_HZ, in_blocks=True)

    def open(self) -> "Turning":
        return Turning(self)


class Turning:
    def __init__(self, motor: Motor) -> None:
        self.channels = motor.describe().channels
        self._motor, self._scan = motor, 0
        self._noise = np.random.default_rng(4)

    def read_block(self) -> Block:
        if self._scan >= self._motor.ends_after_s * RATE_HZ:
            raise EndOfRecordingError
        at_s = (self._scan + np.arange(BLOCK_SCANS)) / RATE_HZ
        self._scan += BLOCK_SCANS
        load = 0.5 * (1 + self._noise.normal(0, 0.05))
        signal = 1.0 + load * np.sin(2 * math.pi * 25 * at_s) + self._noise.normal(0, 0.05, BLOCK_SCANS)
        since_s = at_s % (1 / 90)
        ringing = 0.15 * np.exp(-since_s / 0.004) * np.sin(2 * math.pi * 550 * since_s)
        signal += np.where(at_s >= self._motor.fault_after_s, ringing, 0.0)
        values = np.round(signal / 0.004).reshape(-1, 1) * 0.004
        offset_ns, block = -round(BLOCK_SCANS / RATE_HZ * 1e9), self._scan // BLOCK_SCANS
        if self._motor.loses_every and block % self._motor.loses_every < 3:
            return Block(values[40:], offset_ns // 2, "lost", 40)
        return Block(values, offset_ns)

    def close(self) -> None:
        pass


class Stage:
    """The stages of one sensor on one thread; see ``ScanSink``."""

    def __init__(self, folder: Path, sensor: SensorConfig, *, watched: bool = False) -> None:
        self.events: list[Any] = []
        self.stop = threading.Event()
        config = GatewayConfig(
            gateway="g",
            state_dir=str(folder),
            sensors=[HostSensor(name="unused")],
            filter=FilterConfig(calibration_scans=240),
            context=ContextConfig(before_scans=0, after_scans=0, before_s=0.5, after_s=0.25),
            summary_s=10.0,
        )
        clock = SimulatedClock()
        self.seen: Counter[str] = Counter()
        around = Surroundings(config, Identity("g", "b" * 32), clock, self.events.extend, ConfiguredModel(None))
        if watched:
            around = around._replace(watch=self.watch)
        self.sampler = Sampler(sensor, clock, self)
        self.raw = Condenser(Shape(sensor.name, self.sampler.channels, self.sampler.rate_hz), around)
        self.spectrum = spectrum_line(self.raw, around)

    def run(self) -> "Stage":
        self.sampler.run(self.stop)
        for event in self.events:
            assert decode_event(encode_event(event)) == event
        return self

    def watch(self, sensor: str, channels: Sequence[Channel], rate_hz: float, scans: Sequence[Scan]) -> None:
        assert rate_hz > 0
        assert all(len(scan.values) == len(channels) for scan in scans)
        self.seen[sensor] += len(scans)

    def put(self, scan: Scan) -> bool:
        raise AssertionError(f"scan {scan.seq} came alone")

    def put_block(self, block: ScanBlock) -> bool:
        self.raw.take([block])
        self.spectrum.take([block])
        return True

    def close(self) -> None:
        self.raw.finish()
        self.spectrum.condenser.finish()

    def of(self, kind: type, sensor: str) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind) and event.sensor == sensor]


def motor(**how: Any) -> Motor:
    return Motor(name="motor", channels={"x_g": ChannelOverride(spectral=ASKED)}, **how)


def means(summaries: list[Summary], channel: str) -> list[float]:
    return [summary.channels[channel].mean for summary in summaries]


def test_a_bearing_that_begins_to_fail_is_found_by_its_band_while_the_rms_hardly_moves(tmp_path: Path) -> None:
    stage = Stage(tmp_path, motor()).run()
    episodes = stage.of(Episode, "motor-spectrum")
    assert [episode.phase for episode in episodes][:1] == ["opened"]
    assert episodes[0].top_channel == "x_g_400_700_hz"
    onset_s = (episodes[0].monotonic_ms - episodes[0].duration_ms - 1000) / 1000
    assert FAULT_AFTER_S - 2 < onset_s < FAULT_AFTER_S + 10
    rms = means(stage.of(Summary, "motor-spectrum"), "x_g_rms")
    assert rms[-2] == pytest.approx(rms[1], rel=0.03)
    band = means(stage.of(Summary, "motor-spectrum"), "x_g_400_700_hz")
    assert band[-2] > 1.4 * band[1]
    assert not stage.of(Episode, "motor")


def test_a_sound_bearing_opens_no_episode(tmp_path: Path) -> None:
    stage = Stage(tmp_path, motor(fault_after_s=1e9)).run()
    assert not [event for event in stage.events if isinstance(event, Episode)]
    assert stage.spectrum.health().state == "armed"


def test_an_episode_of_the_numbers_brings_the_raw_vibration_around_its_onset(tmp_path: Path) -> None:
    stage = Stage(tmp_path, motor()).run()
    (opened,) = [each for each in stage.of(Episode, "motor-spectrum") if each.phase == "opened"]
    parts = stage.of(Context, "motor")
    assert {part.episode_id for part in parts} == {opened.episode_id}
    assert sum(part.scans for part in parts) == pytest.approx(0.75 * RATE_HZ, abs=BLOCK_SCANS)
    assert not stage.of(Context, "motor-spectrum")


def test_scans_that_were_lost_are_gaps_of_the_numbers_and_open_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, motor(fault_after_s=1e9, loses_every=40)).run()
    assert not [event for event in stage.events if isinstance(event, Episode)]
    health = stage.spectrum.health()
    assert health.gaps > 100  # 6 numbers of a window in 40 blocks, 65 times over
    assert "more than half of the window is missing" in str(health.last_gap)
    assert stage.sampler.counters.missed > 1000
    gaps = sum(summary.channels["x_g_rms"].gaps for summary in stage.of(Summary, "motor-spectrum"))
    assert gaps * 6 == health.gaps


def test_rules_see_every_scan_of_both(tmp_path: Path) -> None:
    stage = Stage(tmp_path, motor(ends_after_s=5), watched=True).run()
    assert stage.seen == {"motor": 5 * RATE_HZ, "motor-spectrum": 5 * 4}


def test_both_are_told_in_health_under_their_own_names(tmp_path: Path) -> None:
    config = GatewayConfig(gateway="g", state_dir=str(tmp_path), sensors=[HostSensor(name="unused")])
    around = Surroundings(config, Identity("g", "b" * 32), SimulatedClock(), [].extend, ConfiguredModel(None))
    lines = SensorLines(around._replace(config=msgspec.structs.replace(config, sensors=[motor()])))
    assert [line.condenser.shape.name for line in lines.all()] == ["motor", "motor-spectrum"]
    assert [line.health().rate_hz for line in lines.all()] == [1600.0, 4.0]
    assert lines.all()[0].health().state == "armed"
    assert lines.all()[1].health().state == "calibrating"


def test_what_cannot_be_had_at_the_rate_names_sensor_and_place(tmp_path: Path) -> None:
    wrong = ChannelOverride(spectral=SpectralConfig(bands_hz=((10, 900),)))
    with pytest.raises(ConfigError, match=r"sensor `motor`: channels\.x_g\.spectral\.bands_hz\[0\]"):
        Stage(tmp_path, Motor(name="motor", channels={"x_g": wrong}))
