import os
import time
from pathlib import Path

import psutil
import pytest

from twin import induce

GIB = 1024**3


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_a_leak_is_a_share_of_the_machine_and_never_more_than_its_limit() -> None:
    assert induce.leak_bytes(8 * GIB) == int(8 * GIB * 0.12)
    assert induce.leak_bytes(1024 * GIB) == 3 * GIB


def test_a_burn_keeps_every_core_busy_and_leaving_the_block_ends_it(tmp_path: Path) -> None:
    with induce.induced("cpu_burn", 60.0, tmp_path):
        burning = [child for child in children() if "spawn_main" in " ".join(child.cmdline())]
        assert len(burning) == os.cpu_count()
        begin, deadline = sum(sum(child.cpu_times()[:2]) for child in burning), time.monotonic() + 10
        while sum(sum(child.cpu_times()[:2]) for child in burning) < begin + 0.5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not any(child.is_running() for child in burning)


@pytest.mark.parametrize("fault", sorted(induce.FAULTS))
def test_a_fault_ends_itself_and_leaves_nothing(fault: str, tmp_path: Path) -> None:
    begin = time.monotonic()
    induce.FAULTS[fault](0.05, str(tmp_path))
    assert time.monotonic() - begin < 5
    assert list(tmp_path.iterdir()) == []


def test_a_storm_really_writes_and_its_file_has_no_name(tmp_path: Path) -> None:
    before = psutil.Process().io_counters().write_chars
    induce.storm(0.3, str(tmp_path))
    assert psutil.Process().io_counters().write_chars - before >= 4 * 1024 * 1024
    assert list(tmp_path.iterdir()) == []


def test_the_command_ends_by_itself_with_status_0(tmp_path: Path) -> None:
    assert induce.main(["disk_storm", "--seconds", "0.2", "--folder", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == []
