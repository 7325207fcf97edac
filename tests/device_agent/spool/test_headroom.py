"""A disk without room stops neither accepting nor draining, and what it cost is told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.health import Health
from contract.readings import Context
from device_agent.spool.headroom import LOW_BYTES, ROOMY_BYTES
from device_agent.spool.log_file import LOG_BYTES
from device_agent.spool.reserve import Reserve
from device_agent.spool.sqlite import SqliteSpool
from device_agent.spool.trouble import SpoolTroubleError

GIB = 1 << 30


class Disk:
    """How much is free, as a test says."""

    def __init__(self) -> None:
        self.free_bytes = GIB

    def free(self, folder: Path) -> int:
        assert folder.is_dir()
        return self.free_bytes


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


def sizes(path: Path) -> list[int]:
    return [path.with_name(path.name + suffix).stat().st_size for suffix in ("", "-wal", "-shm")]


def test_a_spool_on_a_full_disk_needs_no_more_of_it_to_accept_and_to_drain(
    path: Path, disk: Disk, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    spool = SqliteSpool(path, free=disk.free, reserve_bytes=0)
    for _ in range(300):
        spool.append("boot", [context(400)])
    disk.free_bytes = LOW_BYTES - 1
    spool.append("boot", [health()])
    before = sizes(path)
    disk.free_bytes = 0
    accepted = [spool.append("boot", [health(number), context(400)])[0].seq for number in range(400)]
    after = 0
    while block := spool.take("events", after=after, partial=True):
        after = block.last_seq
        spool.forget("events", after)

    assert sizes(path) == before
    assert accepted == list(range(2, 402))
    assert after == 401, "every event was there to be sent"
    told = spool.tell_losses("boot", wall_ms=1, monotonic_ms=1)
    assert {(loss.of_lane, loss.reason) for loss, _ in told} == {("context", "disk")}
    spool.close()


def test_what_comes_in_a_lower_lane_never_displaces_an_event(
    path: Path, disk: Disk, health: Callable[..., Health], context: Callable[..., Context]
) -> None:
    spool = SqliteSpool(path, free=disk.free, reserve_bytes=0)
    for number in range(200):
        spool.append("boot", [health(number)])
    disk.free_bytes = 0
    refused = 0
    for _ in range(100):
        try:
            spool.append("boot", [context(400)])
        except SpoolTroubleError as exc:
            refused += exc.kind == "full"

    assert refused
    assert spool.pending()["events"] == 200
    assert spool.counters().get("lost.events.disk", 0) == 0
    spool.append("boot", [health(999)])
    spool.close()


def test_room_on_the_disk_lets_the_file_grow_again(path: Path, disk: Disk, context: Callable[..., Context]) -> None:
    spool = SqliteSpool(path, free=disk.free, reserve_bytes=0)
    spool.append("boot", [context(400)] * 50)
    disk.free_bytes = 0
    spool.append("boot", [context(400)] * 5)
    assert spool.is_tight
    gone = spool.counters()["lost.context.disk"]
    disk.free_bytes = ROOMY_BYTES
    spool.append("boot", [context(400)] * 500)

    assert not spool.is_tight
    assert spool.counters()["lost.context.disk"] == gone
    spool.close()


def test_a_little_room_is_not_enough_to_grow_again(path: Path, disk: Disk, context: Callable[..., Context]) -> None:
    spool = SqliteSpool(path, free=disk.free)
    spool.append("boot", [context()])
    disk.free_bytes = LOW_BYTES - 1
    spool.append("boot", [context()])
    disk.free_bytes = ROOMY_BYTES - 1
    spool.append("boot", [context()])

    assert spool.is_tight
    spool.close()


def test_what_can_never_fit_is_refused_as_a_whole_and_says_so(
    path: Path, disk: Disk, context: Callable[..., Context]
) -> None:
    disk.free_bytes = 0
    spool = SqliteSpool(path, free=disk.free, reserve_bytes=0)
    with pytest.raises(SpoolTroubleError, match="full") as caught:
        spool.append("boot", [context(1000) for _ in range(100)])

    assert caught.value.kind == "full"
    assert "free some space" in caught.value.remedy
    assert spool.pending() == {"events": 0, "summaries": 0, "context": 0}
    spool.close()


def test_the_reserve_goes_only_when_the_disk_has_nothing_left(
    path: Path, disk: Disk, context: Callable[..., Context]
) -> None:
    reserve = path.with_name("spool.sqlite3.reserve")
    spool = SqliteSpool(path, free=disk.free)
    disk.free_bytes = LOW_BYTES - 1
    spool.append("boot", [context()])
    assert reserve.exists()
    spool.close()
    disk.free_bytes = 0
    again = SqliteSpool(path, free=disk.free)
    again.append("boot", [context()])

    assert not reserve.exists()
    again.close()


def test_a_reserve_that_was_half_made_is_made_whole(tmp_path: Path) -> None:
    (tmp_path / "reserve").write_bytes(b"")
    reserve = Reserve(tmp_path / "reserve", LOG_BYTES)

    assert reserve.hold(spare_bytes=0)
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= LOG_BYTES


SMALL_DISK = """
import sys
from pathlib import Path
from contract.health import Health
from contract.readings import Context
from contract.traces import Trace
from device_agent.spool.sqlite import SqliteSpool

folder = Path(sys.argv[1])
trace = Trace(unit="", resolution=1.0, packed="AA" * 400)
context = Context(wall_ms=1, monotonic_ms=1, episode_id="e", sensor="s", scans=0, traces={"c": trace})
health = Health(wall_ms=1, monotonic_ms=1, version="1", uptime_ms=0, interval_ms=1, sensors={})

def others_fill_the_disk(name):
    try:
        with (folder / name).open("wb", buffering=0) as file:
            while True:
                file.write(bytes(512))
    except OSError:
        pass

run = SqliteSpool(folder / "spool.sqlite3")
sent = [run.append("boot", [context]) for _ in range(9000)]
others_fill_the_disk("log")
for _ in range(300):
    run.append("boot", [health, context])
agent = SqliteSpool(folder / "spool.sqlite3")
run.close()
passed = set()
for lane, last in (("events", 300), ("context", len(sent) + 300)):
    after = 0
    while block := agent.take(lane, after=after, partial=True):
        after = block.last_seq
        ranges = [(block.first_seq, after), *((each.first, each.last) for each in block.declared)]
        passed.update((lane, seq) for first, end in ranges for seq in range(first, end + 1))
        if block.first_seq % 7 == 0:
            agent.forget(lane, after)
    agent.forget(lane, after)
    assert all((lane, seq) in passed for seq in range(1, last + 1)), lane
assert agent.counters()["lost.context.disk"] > 0
assert agent.counters().get("lost.events.disk", 0) == 0
assert agent.lane_bytes() == {"events": 0, "summaries": 0, "context": 0}
agent.close()
print("drained")
"""


@pytest.mark.parametrize("size_kib", [4096, 8192])
def test_on_a_real_disk_that_is_full_everything_is_sent_or_declared(tmp_path: Path, size_kib: int) -> None:
    unshare = shutil.which("unshare")
    assert unshare is not None, "install util-linux"
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    mount = f'mount -t tmpfs -o size={size_kib}k none "$1" && exec "$2" -c "$3" "$1"'
    command = [unshare, *user, "--mount", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, SMALL_DISK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.stdout == "drained\n", done.stderr
