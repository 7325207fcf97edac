"""What an hour of 80 samples a second costs the disk stays well below what is promised."""

from pathlib import Path

import pytest

from bench.disk import OwnDisk
from bench.spool_days import measure
from bench.wear import PROMISED_BYTES_PER_SAMPLE

pytestmark = [
    pytest.mark.story,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not OwnDisk.possible(), reason="a disk of one's own needs root and loop devices"),
]


def test_an_hour_of_the_spool_spares_the_disk(tmp_path: Path) -> None:
    hour = measure(1, tmp_path)
    assert hour.samples == 288_000
    assert sum(hour.events.values()) >= 120
    assert 0 < hour.disk_bytes_per_sample < PROMISED_BYTES_PER_SAMPLE / 2
    assert not (tmp_path / "disk.ext4").exists()


def test_the_disk_counts_what_is_written_to_it_and_nothing_else(tmp_path: Path) -> None:
    with OwnDisk(tmp_path) as disk:
        before = disk.written()
        (tmp_path / "elsewhere").write_bytes(bytes(1 << 20))
        idle = disk.written().since(before)
        (disk.path / "here").write_bytes(bytes(1 << 20))
        written = disk.written().since(before)
    assert idle.bytes < 65_536
    assert 1 << 20 <= written.bytes < (1 << 20) + 131_072
    assert written.flushes > idle.flushes
