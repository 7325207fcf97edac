"""The log's length is laid out at the start and never costs what was written."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from contract.health import Health
from device_agent.spool.log_file import LOG_BYTES, LOG_PAGES, fill_up
from device_agent.spool.sqlite import SqliteSpool


def health() -> Health:
    return Health(wall_ms=1, monotonic_ms=1, version="1", uptime_ms=1, interval_ms=1, sensors={})


def log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def test_a_new_spool_has_its_whole_log(tmp_path: Path) -> None:
    spool = SqliteSpool(tmp_path / "spool.sqlite3")
    assert log(tmp_path / "spool.sqlite3").stat().st_size == LOG_BYTES
    spool.close()


def test_the_log_does_not_grow_while_the_spool_is_used(tmp_path: Path) -> None:
    spool = SqliteSpool(tmp_path / "spool.sqlite3")
    for _ in range(3 * LOG_PAGES):
        (place,) = spool.append("boot", [health()])
        spool.take("events", after=place.seq - 1, partial=True)
        spool.forget("events", place.seq)
    assert log(tmp_path / "spool.sqlite3").stat().st_size == LOG_BYTES
    spool.close()


def test_what_was_in_the_log_when_a_process_died_is_still_there(tmp_path: Path) -> None:
    spool = SqliteSpool(tmp_path / "spool.sqlite3")
    for _ in range(50):
        spool.append("boot", [health()])
    died = tmp_path / "died"
    died.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"spool.sqlite3{suffix}", died / f"spool.sqlite3{suffix}")
    spool.close()
    os.truncate(died / "spool.sqlite3-wal", 32 + 200 * (1024 + 24))  # as if it had still been growing
    again = SqliteSpool(died / "spool.sqlite3")
    assert log(died / "spool.sqlite3").stat().st_size == LOG_BYTES
    assert again.pending()["events"] == 50
    again.append("boot", [health()])
    again.close()
    with sqlite3.connect(died / "spool.sqlite3") as db:
        assert db.execute("SELECT count(*) FROM event").fetchone() == (51,)
    db.close()


def test_zeros_behind_the_last_frame_are_nothing(tmp_path: Path) -> None:
    writer = SqliteSpool(tmp_path / "spool.sqlite3")
    writer.append("boot", [health()])
    second = SqliteSpool(tmp_path / "spool.sqlite3")
    second.append("boot", [health()])
    assert writer.pending() == second.pending()
    assert writer.pending()["events"] == 2
    writer.close()
    second.close()


def test_a_spool_without_a_log_is_left_alone(tmp_path: Path) -> None:
    fill_up(tmp_path / "none.sqlite3")
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    (tmp_path / "spool.sqlite3-wal").write_bytes(b"frames")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        fill_up(tmp_path / "spool.sqlite3")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "spool.sqlite3-wal").read_bytes() == b"frames"
