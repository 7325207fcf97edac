"""The bench's own sensor in blocks loses nothing and says when its scans were taken."""

import pytest

from bench.edge.blocks import NoiseBlocks, NoiseSource
from device_agent.sensors.port import BlockSensor


def test_it_is_a_block_sensor_as_described() -> None:
    config = NoiseBlocks(name="noise", rate_hz=3200)
    source = config.open()
    assert isinstance(source, BlockSensor)
    assert config.describe().in_blocks
    assert source.channels == config.describe().channels


def test_every_scan_comes_once_and_was_taken_before_it_was_asked_for() -> None:
    source = NoiseSource(3200)
    blocks = [source.read_block() for _ in range(200)]
    ages_ns = [-block.offset_ns for block in blocks if len(block.values)]
    assert all(age_ns >= 0 for age_ns in ages_ns)
    assert all(block.values.shape[1] == 8 and not block.lost for block in blocks)
    assert blocks[-1].offset_ns == pytest.approx(0, abs=2e9)
