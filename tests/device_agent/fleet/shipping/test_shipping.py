"""Log lines from files and from a program in the place of journalctl, to a broker in memory."""

import json
import secrets

import pytest

from contract.topics import logs_topic
from device_agent.budget import Budget
from device_agent.clock import SimulatedClock
from device_agent.config.fleet_logs import LogsConfig
from device_agent.fleet.shipping.lines import LONGEST_BYTES, MOST_BYTES, Line, level_of, packed
from device_agent.fleet.shipping.shipper import EVERY_S, Shipper
from device_agent.fleet.shipping.sources import Journal, LogFile
from device_agent.uplink.memory import MemoryBroker, MemoryUplink

NAME = "press-3"
JOURNALCTL = """#!/bin/sh
for each in "$@"; do case "$each" in --cursor=*) after="${each#--cursor=}";; --lines=1) last=1;; esac; done
if [ -n "$last" ]; then tail -n 1 "FILE"; exit 0; fi
if [ -z "$after" ]; then cat "FILE"; exit 0; fi
case "$after" in c*) ;; *) echo "Failed to seek to cursor: Invalid argument" >&2; exit 1;; esac
grep -q "\\"$after\\"" "FILE" || { cat "FILE"; exit 0; }
sed -n "/\\"$after\\"/,\\$p" "FILE"
"""


class World:
    def __init__(self, folder) -> None:
        self.folder, self.broker, self.clock = (
            folder,
            MemoryBroker(),
            SimulatedClock(wall_ms=1_794_312_000_000),
        )  # 2026-11-10
        self.uplink = MemoryUplink(self.broker)
        self.uplink.connect({}, lambda: None)
        self.log, self.entries = folder / "app.log", folder / "journal"
        self.log.touch()
        self.entries.touch()
        tool = folder / "journalctl"
        tool.write_text(JOURNALCTL.replace("FILE", str(self.entries)))
        tool.chmod(0o755)
        self.tool, self.now_s = str(tool), 0.0

    def shipper(self, *, journal=False, monthly_bytes=100_000_000, level="warning") -> Shipper:
        source = Journal(["ggl.x.service"], tool=self.tool) if journal else LogFile(self.log, lambda: 1_000)
        return Shipper(
            self.uplink,
            NAME,
            LogsConfig(monthly_bytes=monthly_bytes, level=level),
            sources=[source],
            folder=self.folder,
            budget=Budget(monthly_bytes, keep_alive_s=30, clock=self.clock),
            wall_ms=lambda: 1_000,
            monotonic_s=lambda: self.now_s,
        )

    def turn(self, shipper) -> None:
        self.now_s += EVERY_S
        shipper.step()

    def write(self, *texts, level="error") -> None:
        with self.log.open("a") as file:
            file.writelines(json.dumps({"level": level, "event": text}) + "\n" for text in texts)

    def journal(self, number, message, priority="6") -> None:
        entry = {"__CURSOR": f"c{number:03d}", "__REALTIME_TIMESTAMP": f"{number}000000", "_SYSTEMD_UNIT": "u"}
        with self.entries.open("a") as file:
            file.write(json.dumps(entry | {"MESSAGE": message, "PRIORITY": priority}) + "\n")

    def sent(self) -> list[dict]:
        return [json.loads(one["message"]) for _, payload in self.broker.received for one in json.loads(payload)]

    def events(self) -> list[str]:
        return [json.loads(one["line"])["event"] if one["line"][0] == "{" else one["line"] for one in self.sent()]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_lines_that_are_grave_enough_are_sent_once_and_the_others_counted(world):
    world.write("before")
    shipper = world.shipper()
    world.turn(shipper)
    world.write("one", "two")
    world.write("chatter", level="info")
    for _ in range(3):
        world.turn(shipper)
    assert world.events() == ["one", "two"]
    assert shipper.counters["logs_below_level"] == 1
    assert {topic for topic, _ in world.broker.received} == {logs_topic(NAME)}
    assert world.sent()[0].keys() == {"gateway", "source", "level", "line"}


def test_a_restart_goes_on_where_the_broker_took_the_last(world):
    world.turn(world.shipper())
    world.write("one")
    first = world.shipper()
    world.turn(first)
    world.write("two")
    world.turn(world.shipper())
    assert world.events() == ["one", "two"]


def test_what_the_broker_did_not_take_is_sent_again(world):
    shipper = world.shipper()
    world.turn(shipper)
    world.write("one")
    world.broker.cut()
    world.turn(shipper)
    world.broker.restore()
    world.turn(shipper)
    assert world.events() == ["one"]


def test_a_rotated_file_is_read_to_its_end_first(world):
    shipper = world.shipper()
    world.turn(shipper)
    world.write("old")
    world.log.rename(world.folder / "app.log.1")
    world.write("new")
    world.turn(shipper)
    world.turn(shipper)
    assert world.events() == ["old", "new"]


@pytest.mark.parametrize("lost", ["cut", "gone"])
def test_a_file_that_was_cut_or_lost_is_a_gap_and_said(world, lost):
    shipper = world.shipper()
    world.turn(shipper)
    world.write("one")
    world.turn(shipper)
    if lost == "cut":
        world.log.write_bytes(b"")
    else:
        world.log.rename(world.folder / "elsewhere")
    world.write("2")
    world.turn(shipper)
    assert shipper.counters["logs_gaps"] == 1
    assert world.events() == ["one", "lines before this one were gone before they were read", "2"]


def test_half_a_line_waits_for_its_end(world):
    shipper = world.shipper()
    world.turn(shipper)
    with world.log.open("a") as file:
        file.write('{"level": "error", "event": "wh')
    world.turn(shipper)
    with world.log.open("a") as file:
        file.write('ole"}\n')
    world.turn(shipper)
    assert world.events() == ["whole"]


def test_the_journal_is_followed_by_its_cursor(world):
    world.journal(1, "before", "3")
    shipper = world.shipper(journal=True)
    world.turn(shipper)
    world.journal(2, "broken", "3")
    world.journal(3, json.dumps({"level": "warning", "event": "own"}))
    world.journal(4, [104, 105, 255], "2")
    world.journal(5, "chatter")
    world.turn(shipper)
    assert world.events() == ["broken", "own", "hi�"]
    assert [one["timestamp"] for _, payload in world.broker.received for one in json.loads(payload)] == [
        2000,
        3000,
        4000,
    ]
    world.journal(6, "next", "3")
    world.turn(world.shipper(journal=True))
    assert world.events()[-1] == "next"


def test_a_journal_that_was_rotated_away_is_a_gap_and_said(world):
    world.journal(1, "before", "3")
    shipper = world.shipper(journal=True)
    world.turn(shipper)
    world.entries.write_text("")
    world.journal(9, "after", "3")
    world.turn(shipper)
    assert world.events() == ["lines before this one were gone before they were read", "after"]


def test_a_cursor_of_another_journal_is_a_gap_too(world):
    world.journal(1, "here", "3")
    (world.folder / "logs-places.json").write_text('{"journal": "strange"}')
    shipper = world.shipper(journal=True)
    world.turn(shipper)
    assert (world.events()[-1], shipper.counters["logs_gaps"]) == ("here", 1)


def test_a_journal_that_cannot_be_read_is_said_once(world, caplog):
    shipper = world.shipper(journal=True)
    world.folder.joinpath("journalctl").unlink()
    for _ in range(3):
        world.turn(shipper)
    assert shipper.counters["logs_unreadable"] == 1
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == ["logs.unreadable"]


def test_above_todays_part_of_the_budget_lines_wait_and_are_not_lost(world):
    shipper, monthly_bytes, gone = world.shipper(monthly_bytes=80_000), 80_000, 10 / 30
    world.turn(shipper)
    for number in range(100):
        world.write(f"{number} " + "x" * 300)
        world.turn(shipper)
    assert sum(len(payload) for _, payload in world.broker.received) < monthly_bytes * gone
    assert shipper.counters["logs_held"]
    world.clock.advance(19 * 86_400)
    for _ in range(3):
        world.turn(shipper)
    assert [int(each.split()[0]) for each in world.events()] == [*range(100)]
    assert shipper.counters["logs_gaps"] == 0


def test_no_message_is_too_large_and_a_long_line_is_cut_and_says_so():
    lines = [Line(1, "error", "f", "y" * size) for size in (10, 5000, 900, 900, 900, 900)]
    message = packed(lines, NAME)
    assert len(message.payload) <= MOST_BYTES
    assert 1 <= message.taken < len(lines)
    said = [json.loads(one["message"]) for one in json.loads(message.payload)]
    assert (said[1]["cut_bytes"], message.cut) == (5000 - LONGEST_BYTES, 1)


def test_no_secret_leaves_with_a_line():
    secret = secrets.token_hex(12)
    assert secret.encode() not in packed([Line(1, "error", "f", f"password={secret}")], NAME).payload


@pytest.mark.parametrize(
    ("text", "priority", "level"),
    [('{"level": "error"}', 6, "error"), ("{", 3, "error"), ("plain", 4, "warning"), ('{"level": 5}', 0, "critical")],
)
def test_a_line_is_as_grave_as_it_says(text, priority, level):
    assert level_of(text, priority) == level
