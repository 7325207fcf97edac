"""What is flat passes, what grows is named."""

import os
import time
from pathlib import Path

from bench.soak import faults
from bench.vitals import Vitals, flatness, look


def looks(*, rss: float = 40.0, growth: float = 0.0, threads: int = 5, files: int = 10, leak: int = 0) -> list[Vitals]:
    return [
        Vitals(float(second), rss + growth * second / 1500, 30.0, threads, files + leak * second // 1500)
        for second in range(1500)
    ]


def test_a_flat_process_has_no_fault() -> None:
    flat = flatness(looks())
    assert (flat.rss_range_mib, flat.fd_growth, flat.thread_range) == (0, 0, 0)
    assert faults(flat, hours=1500 / 3600) == []


def test_memory_that_rises_slowly_is_found_by_its_slope() -> None:
    flat = flatness(looks(growth=6.0))
    assert flat.rss_range_mib < 10
    (fault,) = faults(flat, hours=1500 / 3600)
    assert fault.startswith("memory rose by 6")


def test_memory_that_jumps_is_found_by_its_range() -> None:
    jumped = [each._replace(rss_mib=52.0) if 700 < each.at_s < 720 else each for each in looks()]
    (fault,) = faults(flatness(jumped), hours=1.0)
    assert "ranged over 12.0" in fault


def test_leaked_files_are_found() -> None:
    (fault,) = faults(flatness(looks(leak=20)), hours=0.4)
    assert "open files more" in fault


def test_a_look_at_this_process_sees_a_file_it_opened(tmp_path: Path) -> None:
    before = look(os.getpid(), time.monotonic())
    with (tmp_path / "x").open("w"):
        after = look(os.getpid(), time.monotonic())
    assert after.files == before.files + 1
    assert 5 < before.pss_mib <= before.rss_mib
    assert before.threads >= 1
