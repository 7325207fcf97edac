"""The sensing process as a whole: real threads, real spool, a recording at high speed."""

import json
import threading
from collections import Counter

import pytest

from device_agent.config import load
from device_agent.errors import ConfigError
from device_agent.sensing import run_sensing
from device_agent.spool.sqlite import SqliteSpool

ROWS = 600


@pytest.fixture
def gateway(tmp_path):
    rows = [f"2026-01-01T00:00:{n // 10:02d}.{n % 10}Z,{20 + n % 3},{'' if n == 300 else 50}" for n in range(ROWS)]
    (tmp_path / "bench.csv").write_text("\n".join(["timestamp,a,b", *rows]) + "\n")
    (tmp_path / "gateway.yaml").write_text(
        "{gateway: g, state_dir: state, summary_s: 0.5, health_s: 1, filter: {calibration_scans: 128},"
        " sensors: [{type: replay, name: bench, path: bench.csv, speed: 20}]}"
    )
    return tmp_path


def run_until(folder, condition):
    """Runs the process in a thread until ``condition(status)`` holds; returns the last status."""
    stop = threading.Event()
    config = load(folder / "gateway.yaml")
    thread = threading.Thread(target=run_sensing, args=(config, stop), kwargs={"ledger": folder / "ledger.jsonl"})
    thread.start()
    waiting = threading.Event()
    for _ in range(300):
        status = read_status(folder)
        if condition(status) or not thread.is_alive():
            break
        waiting.wait(0.1)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    return read_status(folder)


def read_status(folder):
    file = folder / "state/run-status.json"
    return json.loads(file.read_text()) if file.exists() else {"samples": 0}


def test_what_the_ledger_says_is_what_the_spool_holds(gateway):
    status = run_until(gateway, lambda status: status["samples"] >= 2 * ROWS - 1)
    entries = [json.loads(line) for line in (gateway / "ledger.jsonl").read_text().splitlines()]
    kinds = Counter(entry["kind"] for entry in entries)
    spool = SqliteSpool(gateway / "state/spool.sqlite3")
    try:
        assert sum(spool.pending().values()) == len(entries) == status["accepted"]
    finally:
        spool.close()
    assert kinds["summary"] >= 3
    assert kinds["health"] >= 2
    per_lane = {lane: [entry["seq"] for entry in entries if entry["lane"] == lane] for lane in ("events", "summaries")}
    for sequence in per_lane.values():
        assert sorted(sequence) == list(range(1, len(sequence) + 1))


def test_every_row_is_a_scan_or_counted_and_a_missing_cell_is_a_gap(gateway):
    status = run_until(gateway, lambda status: status["samples"] >= 2 * ROWS - 1)
    bench = status["sensors"]["bench"]
    assert bench["scans"] + bench.get("missed", 0) >= ROWS
    assert bench["gaps"] >= 1
    assert bench["state"] == "armed"
    assert status["raw_bytes"] > ROWS * 15


def test_a_second_process_on_the_same_folder_is_refused(gateway):
    stop = threading.Event()
    config = load(gateway / "gateway.yaml")
    first = threading.Thread(target=run_sensing, args=(config, stop))
    first.start()
    try:
        for _ in range(100):
            if read_status(gateway)["samples"]:
                break
            threading.Event().wait(0.1)
        with pytest.raises(ConfigError, match="another `thresher run`"):
            run_sensing(config, threading.Event())
    finally:
        stop.set()
        first.join(20)
