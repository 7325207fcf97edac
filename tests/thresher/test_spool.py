"""``thresher spool`` shows, exports, verifies and retries, beside running processes and from damaged files."""

import contextlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.powercut.damage import damage
from contract.health import Health
from contract.readings import Context
from contract.traces import Trace
from device_agent.spool.rebuild import damaged_files
from device_agent.spool.sqlite import SqliteSpool
from thresher.cli import main

BOOT = "boot"


def health(number: int = 0) -> Health:
    return Health(wall_ms=number, monotonic_ms=number, version="1", uptime_ms=0, interval_ms=60_000, sensors={})


def context(steps: int) -> Context:
    trace = Trace(unit="", resolution=1.0, packed="AA" * steps)
    return Context(wall_ms=1, monotonic_ms=1, episode_id="e", sensor="s", scans=0, traces={"channel": trace})


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"{{gateway: g, state_dir: {tmp_path / 'state'}, sensors: [{{type: host, name: m}}]}}")
    return str(file)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.sqlite3"


@pytest.fixture
def spool(path: Path) -> Iterator[SqliteSpool]:
    """In use while the command runs: five events sent and stored, five waiting, one too large."""
    opened = SqliteSpool(path, reserve_bytes=0)
    opened.append(BOOT, [health(number) for number in range(5)])
    opened.take("events", after=0, partial=True)
    opened.forget("events", 5)
    opened.append(BOOT, [health(number) for number in range(5)])
    opened.append(BOOT, [context(4000)])
    yield opened
    opened.close()


def printed(capsys) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def exported(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def break_pages(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def test_status_says_what_each_lane_holds_while_others_use_it(config, spool, capsys):
    assert main(["spool", "status", "--config", config, "--json"]) == 0

    found = printed(capsys)
    assert found["spool_id"] == spool.spool_id
    assert found["damage"] is None
    events, pictures = found["lanes"]["events"], found["lanes"]["context"]
    assert (events["events"], events["pending"], events["stored"], events["declared"]) == (5, 5, 5, 0)
    assert events["event_bytes"] == spool.lane_bytes()["events"]
    assert events["oldest_age_h"] == 0
    assert (pictures["events"], pictures["declared"], pictures["quarantined"]) == (0, 1, 1)
    assert found["hours_left"] is None


def test_status_is_a_table_for_people(config, spool, capsys):
    assert main(["spool", "status", "--config", config]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"spool {spool.spool_id}"
    assert lines[1].split()[:2] == ["lane", "events"]
    assert lines[2].split()[:2] == ["events", "5"]


@pytest.mark.usefixtures("spool")
def test_status_takes_the_hours_left_from_the_sensing_process(config, path, capsys):
    status = {
        "gateway_id": "g", "wall_ms": time.time_ns() // 1_000_000, "uptime_ms": 1, "armed_after_ms": None,
        "accepted": 0, "samples": 0,
        "windows": 0, "raw_bytes": 0, "sensors": {}, "counters": {}, "spool_hours_left": 12.5, "degraded": ["so"],
    }  # fmt: skip
    path.with_name("run-status.json").write_text(json.dumps(status))

    assert main(["spool", "status", "--config", config, "--json"]) == 0
    found = printed(capsys)
    assert (found["hours_left"], found["degraded"]) == (12.5, ["so"])


def test_status_of_a_damaged_file_says_so_and_leaves_it_alone(config, spool, path, capsys):
    spool.close()
    path.write_bytes(b"no database " * 1000)
    before = path.read_bytes()

    assert main(["spool", "status", "--config", config, "--json"]) == 0
    found = printed(capsys)
    assert "not a database" in found["damage"]
    assert found["spool_id"] == spool.spool_id
    assert path.read_bytes() == before
    assert not damaged_files(path)


def test_without_a_spool_the_error_says_what_to_do(config, capsys):
    assert main(["spool", "status", "--config", config]) == 2
    assert "try: start `thresher run` once" in capsys.readouterr().err


@pytest.mark.usefixtures("spool")
def test_pending_events_are_exported_as_json_lines(config, capsys):
    assert main(["spool", "export", "--config", config]) == 0

    lines = exported(capsys)
    assert [(line["lane"], line["seq"], line["intact"]) for line in lines] == [
        ("events", n, True) for n in range(6, 11)
    ]
    assert lines[0]["event"]["kind"] == "health"


@pytest.mark.usefixtures("spool")
def test_quarantine_is_exported_with_numbers_and_reasons(config, tmp_path, capsys):
    output = tmp_path / "quarantine.jsonl"
    assert main(["spool", "export", "--quarantine", "--config", config, "--output", str(output), "--json"]) == 0

    assert printed(capsys) == {"events": 1}
    (line,) = map(json.loads, output.read_text().splitlines())
    assert (line["number"], line["lane"], line["seq"], line["reason"]) == (1, "context", 1, "too large")


def test_what_can_be_read_of_a_file_set_aside_is_exported(config, spool, path, capsys):
    spool.append(BOOT, [context(100) for _ in range(40)])
    spool.close()
    break_pages(path)
    SqliteSpool(path, reserve_bytes=0).close()
    (aside,) = damaged_files(path)
    before = aside.read_bytes()

    assert main(["spool", "export", "--file", str(aside), "--config", config]) == 0
    lines = exported(capsys)
    assert lines
    assert all(line["intact"] for line in lines if "number" not in line)
    assert aside.read_bytes() == before


@pytest.mark.usefixtures("spool")
def test_a_sound_spool_is_found_sound(config, capsys):
    assert main(["spool", "verify", "--config", config, "--json"]) == 0
    assert printed(capsys) == {"events": 5, "blocks": 0, "findings": []}


@pytest.mark.usefixtures("spool")
@pytest.mark.parametrize(
    ("harm", "where"),
    [
        ("UPDATE event SET body = x'7b7d' WHERE seq = 7", "event events 7"),
        ("DELETE FROM event WHERE seq = 8", "lane events 8 to 8"),
        ("UPDATE lane SET bytes = bytes + 1 WHERE name = 'events'", "lane events"),
        ("UPDATE lane SET next_seq = 1 << 40 WHERE name = 'events'", "lease events"),
        ("UPDATE lane SET stored = 9 WHERE name = 'events'", "lane"),
        ("INSERT INTO block VALUES ('summaries', 1, 3, 'b', 0)", "block summaries 1 to 3"),
        ("ALTER TABLE event RENAME COLUMN elapsed_s TO elapsed_z", "tables"),
        ("PRAGMA user_version = 7", "file"),
    ],
)
def test_what_is_wrong_is_named(config, path, capsys, harm, where):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(harm)

    assert main(["spool", "verify", "--config", config, "--json"]) == 1
    assert where in [finding["where"] for finding in printed(capsys)["findings"]]


def test_a_broken_file_is_a_finding_with_a_remedy(config, spool, path, capsys):
    spool.close()
    path.write_bytes(b"no database " * 1000)

    assert main(["spool", "verify", "--config", config]) == 1
    out = capsys.readouterr().out
    assert "not a database" in out
    assert "try: " in out


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_damaged_can_be_looked_at_and_stays_as_it_is(config, spool, path, seed):
    spool.append(BOOT, [context(100) for _ in range(20)])
    spool.close()
    damage(path, random.Random(seed))  # noqa: S311 - chance, not a secret
    before = path.read_bytes()

    assert main(["spool", "status", "--config", config, "--json"]) == 0
    assert main(["spool", "verify", "--config", config, "--json"]) in {0, 1}
    assert main(["spool", "export", "--config", config]) == 0
    assert main(["spool", "export", "--quarantine", "--config", config]) == 0
    assert path.read_bytes() == before


def test_what_was_refused_is_sent_again_under_a_new_number(config, spool, capsys):
    spool.take("events", after=0, partial=True)
    spool.give_up("events", 6, 10, "refused")

    assert main(["spool", "retry", "2", "3", "--config", config, "--json"]) == 0

    assert [(one["number"], one["seq"]) for one in printed(capsys)["retried"]] == [(2, 11), (3, 12)]
    block = spool.take("events", after=0, partial=True)
    assert (block.first_seq, len(block.events)) == (11, 2)
    assert spool.counters()["requeued"] == 2
    assert main(["spool", "verify", "--config", config]) == 0


def test_what_still_cannot_travel_stays_and_says_why(config, spool, capsys):
    assert main(["spool", "retry", "--all", "--config", config]) == 1

    assert "1: stays: too large" in capsys.readouterr().out
    assert spool.counters()["quarantined"] == 1


def test_a_number_that_is_not_there_changes_nothing(config, spool, capsys):
    assert main(["spool", "retry", "1", "99", "--config", config]) == 1
    assert "not in quarantine: 99" in capsys.readouterr().err
    assert "requeued" not in spool.counters()


def test_retry_needs_to_know_what(config):
    with pytest.raises(SystemExit) as ended:
        main(["spool", "retry", "--config", config])
    assert ended.value.code == 2
