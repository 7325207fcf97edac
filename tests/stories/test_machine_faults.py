"""Real faults on the real machine, one after the other, while one gateway watches it by the filter's own defaults."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from contract.events import Episode
from device_agent.spool.export import pending
from twin.fleet import wait_for_calm
from twin.gateways import Gateway
from twin.induce import induced
from twin.make_recordings import FOLDER
from twin.plans import plan_gateways

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

FOUND_WITHIN_S = 30.0
CALM_WITHIN_S = 60.0
CHANNELS = {
    "cpu_burn": {"cpu_percent", "load_1m"},
    "disk_storm": {"disk_write_bytes_per_s", "cpu_percent", "load_1m"},
    "memory_leak": {"memory_percent"},
}


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    (plan,) = plan_gateways(1, FOLDER)
    gateway = Gateway(plan, tmp_path_factory.mktemp("machine"))
    gateway.configure_alone()
    assert wait_for_calm(threading.Event(), timeout_s=CALM_WITHIN_S), "every core is busy: nothing can rise above that"
    gateway.start_run()
    try:
        assert until(lambda: (status := gateway.run_status()) is not None and status.state == "armed", 60)
        yield gateway
    finally:
        gateway.stop_run()


def until(met, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def episodes(gateway: Gateway) -> dict[str, list[Episode]]:
    """What it said of each so far."""
    found: dict[str, list[Episode]] = {}
    for event in pending(gateway.state_dir / "spool.sqlite3"):
        if event.lane == "events" and event.event and b'"kind":"episode"' in bytes(event.event):
            said = msgspec.json.decode(event.event, type=Episode)
            found.setdefault(said.episode_id, []).append(said)
    return found


def open_ones(gateway: Gateway) -> list[str]:
    return [name for name, said in episodes(gateway).items() if said[-1].phase != "closed"]


@pytest.mark.parametrize("fault", CHANNELS)
def test_a_fault_of_the_machine_is_found_within_half_a_minute(watching: Gateway, fault: str, tmp_path: Path) -> None:
    assert until(lambda: not open_ones(watching), CALM_WITHIN_S), "the machine has not been calm"
    before = set(episodes(watching))
    with induced(fault, FOUND_WITHIN_S + 5, tmp_path):
        began_ms = time.time_ns() // 1_000_000
        assert until(lambda: set(episodes(watching)) - before, FOUND_WITHIN_S), f"nothing told of {fault}"
    (name, *_) = set(episodes(watching)) - before
    said = episodes(watching)[name]
    assert said[0].phase == "opened"
    assert said[0].wall_ms - began_ms <= FOUND_WITHIN_S * 1000
    assert CHANNELS[fault] & set(said[-1].contributions), said[-1].reason
