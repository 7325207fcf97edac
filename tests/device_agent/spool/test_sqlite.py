"""What only a file can show: restarts, crashes, damage, several processes."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.events import Context, Health
from device_agent.errors import SpoolError
from device_agent.spool.port import Accepted
from device_agent.spool.sqlite import SqliteSpool

APPENDER = """
import sys
from pathlib import Path
from contract.events import Health
from device_agent.spool.sqlite import SqliteSpool
spool = SqliteSpool(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    event = Health(wall_ms=number, monotonic_ms=0, version="1", uptime_ms=0, interval_ms=1, sensors={})
    for place in spool.append("boot", [event] * (number % 3 + 1)):
        print(place.seq, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.sqlite3"


def test_a_spool_opened_again_is_the_same_spool(path: Path, health: Callable[..., Health]) -> None:
    first = SqliteSpool(path)
    first.append("boot", [health() for _ in range(3)])
    block = first.take("events", after=0, partial=True)
    assert block is not None
    first.close()
    second = SqliteSpool(path)

    assert second.spool_id == first.spool_id
    assert second.take("events", after=0, partial=True) == block
    second.forget("events", 3)
    second.close()
    third = SqliteSpool(path)
    assert third.append("boot", [health()]) == [Accepted("events", 4)]
    assert third.stored()["events"] == 3
    third.close()


def test_every_commit_reaches_the_disk(path: Path) -> None:
    spool = SqliteSpool(path)
    connection = spool._database.connection

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    spool.close()


def test_what_one_process_appends_another_forwards(path: Path, health: Callable[..., Health]) -> None:
    appender, forwarder = SqliteSpool(path), SqliteSpool(path)
    appender.append("boot", [health()])

    assert forwarder.spool_id == appender.spool_id
    assert forwarder.take("events", after=0, partial=True) is not None
    forwarder.forget("events", 1)
    assert appender.pending()["events"] == 0
    appender.close()
    forwarder.close()


def test_two_that_open_a_new_spool_at_once_get_the_same(path: Path) -> None:
    spools: list[SqliteSpool] = []
    threads = [threading.Thread(target=lambda: spools.append(SqliteSpool(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len({spool.spool_id for spool in spools}) == 1
    assert len(spools) == 8
    for spool in spools:
        spool.close()


def test_threads_may_append_at_once_and_no_number_is_given_twice(path: Path, health: Callable[..., Health]) -> None:
    spool = SqliteSpool(path)
    places: list[Accepted] = []

    def work() -> None:
        for _ in range(20):
            places.extend(spool.append("boot", [health()]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(place.seq for place in places) == list(range(1, 81))
    spool.close()


@pytest.mark.parametrize("after_lines", [1, 40, 200])
def test_everything_appended_before_kill_9_is_there_afterwards(path: Path, after_lines: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    promised = [int(child.stdout.readline()) for _ in range(after_lines)]
    child.send_signal(signal.SIGKILL)
    promised += [int(line) for line in child.stdout.read().split(b"\n")[:-1]]
    child.wait(timeout=10)
    child.stdout.close()

    spool = SqliteSpool(path)
    found: list[int] = []
    while block := spool.take("events", after=max(found, default=0), partial=True):
        found += range(block.first_seq, block.last_seq + 1)

    assert set(promised) <= set(found)
    assert found == list(range(1, len(found) + 1))
    spool.close()


@pytest.mark.parametrize("damage", [b"not a database at all, but long enough to be read as one" * 50, b"torn"])
def test_a_damaged_file_is_moved_aside_and_a_new_spool_begins(
    path: Path, damage: bytes, caplog: pytest.LogCaptureFixture, health: Callable[..., Health]
) -> None:
    first = SqliteSpool(path)
    first.append("boot", [health()])
    first.close()
    path.write_bytes(damage)

    second = SqliteSpool(path, wall_ms=lambda: 42)

    assert path.with_name("spool.sqlite3.corrupt-42").read_bytes() == damage
    assert second.spool_id != first.spool_id
    assert second.counters() == {"moved_aside": 1}
    assert second.append("boot", [health()]) == [Accepted("events", 1)]
    assert "spool.damaged" in caplog.messages
    second.close()


def test_a_page_torn_inside_the_file_is_found_at_the_start(path: Path, context: Callable[..., Context]) -> None:
    first = SqliteSpool(path)
    first.append("boot", [context(1000) for _ in range(40)])
    first.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))

    second = SqliteSpool(path)

    assert second.counters() == {"moved_aside": 1}
    second.close()


def test_a_damaged_file_that_another_process_uses_is_left_where_it_is(path: Path) -> None:
    holder = SqliteSpool(path)
    holder._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(b"x" * 8192)

    with pytest.raises(SpoolError, match="another process has it open") as caught:
        SqliteSpool(path)

    assert "restart both" in caught.value.remedy
    holder.close()


def test_a_newer_format_is_not_touched(path: Path) -> None:
    SqliteSpool(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(SpoolError, match="format 99 is newer"):
        SqliteSpool(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SpoolError, match="file"):
        SqliteSpool(tmp_path / "file" / "spool.sqlite3")


def test_a_full_disk_accepts_nothing_and_says_so(
    path: Path, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    spool = SqliteSpool(path)
    spool.append("boot", [health()])
    spool._database.connection.execute("PRAGMA max_page_count=20")

    with pytest.raises(SpoolError, match="full") as caught:
        spool.append("boot", [context(1000) for _ in range(100)])

    assert "room" in caught.value.remedy
    assert spool.pending() == {"events": 1, "summaries": 0, "context": 0}
    spool.close()
