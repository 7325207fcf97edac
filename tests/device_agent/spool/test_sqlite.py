"""What only a file can show: restarts, crashes, several processes, a disk that is full."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.codec import encode_event
from contract.health import Health
from contract.readings import Context
from device_agent.errors import SpoolError
from device_agent.spool.port import Accepted
from device_agent.spool.reserve import Reserve
from device_agent.spool.sqlite import SqliteSpool
from device_agent.spool.trouble import SpoolTroubleError

APPENDER = """
import sys
from pathlib import Path
from contract.health import Health
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
    connection = spool._session.connection()

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


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = SqliteSpool(tmp_path / "file" / "spool.sqlite3")

    with pytest.raises(SpoolError, match="file"):
        spool.pending()


def test_a_spool_that_could_not_be_opened_opens_as_soon_as_it_can(
    tmp_path: Path, health: Callable[..., Health]
) -> None:
    obstacle = tmp_path / "state"
    obstacle.write_text("")
    spool = SqliteSpool(obstacle / "spool.sqlite3")
    with pytest.raises(SpoolTroubleError):
        spool.append("boot", [health()])
    obstacle.unlink()

    assert spool.append("boot", [health()]) == [Accepted("events", 1)]
    spool.close()


def test_time_in_use_goes_on_counting_over_a_restart(path: Path, health: Callable[..., Health]) -> None:
    now = [1000.0]
    first = SqliteSpool(path, monotonic_s=lambda: now[0])
    now[0] += 3600
    first.append("boot", [health()])
    first.close()
    now[0] = 5.0  # another boot
    second = SqliteSpool(path, monotonic_s=lambda: now[0])

    assert second.elapsed_s == 3600
    second.close()


def test_the_reserve_is_made_and_given_back(path: Path) -> None:
    spool = SqliteSpool(path, reserve_bytes=100_000)
    reserve = path.with_name("spool.sqlite3.reserve")

    assert reserve.stat().st_blocks * 512 >= 100_000
    assert Reserve(reserve, 100_000).release()
    assert not reserve.exists()
    spool.close()


def test_a_backlog_is_sealed_many_blocks_at_a_time(path: Path, context: Callable[..., Context]) -> None:
    spool = SqliteSpool(path)
    spool.append("boot", [context(1000) for _ in range(60)])
    before = spool._session.writes
    after = 0
    blocks = 0
    while block := spool.take("context", after=after, partial=False):
        after, blocks = block.first_seq, blocks + 1

    assert blocks >= 25
    assert spool._session.writes - before <= blocks // 8
    spool.close()


def test_the_bytes_kept_are_known_by_lane(path: Path, health: Callable[..., Health]) -> None:
    spool = SqliteSpool(path)
    spool.append("boot", [health()])

    assert spool.lane_bytes()["events"] == len(encode_event(health()))
    spool.take("events", after=0, partial=True)
    spool.forget("events", 1)
    assert spool.lane_bytes() == {"events": 0, "summaries": 0, "context": 0}
    spool.close()


def test_a_counter_that_fell_back_while_the_file_was_open_gives_no_number_twice(
    path: Path, health: Callable[..., Health]
) -> None:
    spool = SqliteSpool(path)
    spool.append("boot", [health() for _ in range(5)])
    spool._session.connection().execute("UPDATE lane SET next_seq = 2 WHERE name = 'events'")
    with pytest.raises(SpoolTroubleError) as caught:
        spool.append("boot", [health()])

    assert caught.value.kind == "damaged"
    assert spool.append("boot", [health()])[0].seq > 5
    spool.close()


def test_forgetting_writes_a_fraction_of_what_is_forgotten(path: Path, context: Callable[..., Context]) -> None:
    spool = SqliteSpool(path)
    spool.append("boot", [context(400) for _ in range(2000)])
    kept = spool.lane_bytes()["context"]
    after = 0
    while block := spool.take("context", after=after, partial=True):
        after = block.last_seq
    spool._session.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spool._session.connection().execute("PRAGMA wal_autocheckpoint=0")
    spool.forget("context", after)

    assert path.with_name("spool.sqlite3-wal").stat().st_size < kept / 2
    spool.close()
