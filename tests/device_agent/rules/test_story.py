"""Rules in the real process: sensors of a recording, real threads, real spool, a restart."""

import json
import threading

import pytest

from contract.codec import decode_event
from contract.events import Episode
from device_agent.config import load
from device_agent.sensing import run_sensing
from device_agent.spool.sqlite import SqliteSpool

DOCUMENT = """
gateway: g
state_dir: state
health_s: 60
sensors:
  - {type: replay, name: oven, path: oven.csv, speed: 20}
  - {type: replay, name: pump, path: pump.csv, speed: 20}
rules:
  - {name: hot, when: oven.t > 90 and not pump.running, clear_when: oven.t < 85, severity: critical, outputs: [lamp]}
outputs:
  - {type: simulated, name: lamp}
"""


@pytest.fixture
def gateway(tmp_path):
    """The pump runs throughout the first heat, and stands from before the second on."""
    (tmp_path / "gateway.yaml").write_text(DOCUMENT)
    write(tmp_path, [95 if 100 <= n < 150 or 300 <= n < 400 else 80 for n in range(500)])
    return tmp_path


def write(folder, temperatures):
    pumps = [int(n < 225) for n in range(len(temperatures))]
    for name, channel, values in (("oven", "t", temperatures), ("pump", "running", pumps)):
        rows = [f"2026-01-01T00:{n // 600:02d}:{n % 600 / 10:04.1f}Z,{value}" for n, value in enumerate(values)]
        (folder / f"{name}.csv").write_text("\n".join([f"timestamp,{channel}", *rows]) + "\n")


def run_until(folder, condition):
    stop, waiting = threading.Event(), threading.Event()
    thread = threading.Thread(target=run_sensing, args=(load(folder / "gateway.yaml"), stop))
    thread.start()
    for _ in range(300):
        if condition() or not thread.is_alive():
            break
        waiting.wait(0.1)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def status(folder):
    file = folder / "state/run-status.json"
    return json.loads(file.read_text()) if file.exists() else {"samples": 0, "counters": {}}


def told(folder):
    spool = SqliteSpool(folder / "state/spool.sqlite3")
    try:
        block = spool.take("events", after=0, partial=True)
    finally:
        spool.close()
    events = [decode_event(event) for event in block.events]
    return [event for event in events if isinstance(event, Episode) and event.rule]


def test_a_rule_over_two_sensors_switches_and_its_episode_is_in_the_spool(gateway):
    run_until(gateway, lambda: status(gateway)["counters"].get("output.lamp.switches", 0) >= 2)
    episodes = told(gateway)
    assert [(one.phase, one.rule, one.severity) for one in episodes] == [
        ("opened", "hot", "critical"),
        ("closed", "hot", "critical"),
    ]
    assert "oven.t is 95" in episodes[0].reason
    assert not (gateway / "state/rules.json").exists()


def test_a_rule_that_is_open_at_the_end_is_open_at_the_next_start(gateway):
    write(gateway, [80] * 250 + [95] * 250)
    run_until(gateway, lambda: status(gateway)["counters"].get("output.lamp.switches", 0) >= 1)
    assert '"phase":"opened"' in (gateway / "state/rules.json").read_text()
    write(gateway, [80] * 500)
    run_until(gateway, lambda: '"phase":"closed"' in (gateway / "state/rules.json").read_text())
    episodes = told(gateway)
    assert [one.phase for one in episodes] == ["opened", "updated", "closed"]
    assert len({one.episode_id for one in episodes}) == 1
