"""Rules on their threads: what hangs elsewhere keeps no output from being switched, and nothing grows for ever."""

import threading
import time
from collections.abc import Sequence

from contract.events import Episode
from contract.kinds import AnyEvent
from device_agent.identity import Identity, monotonic_ns
from device_agent.outputs.memory import SimulatedOutput
from device_agent.outputs.port import LEASE_S
from device_agent.rules.config import RuleConfig
from device_agent.rules.engine import Said
from device_agent.rules.inbox import Batch, Inbox
from device_agent.rules.latest import Source
from device_agent.rules.notes import MemoryRuleNotes, RuleNote
from device_agent.rules.telling import MOST_WAITING, Teller
from device_agent.rules.watch import Place, RuleWatch
from device_agent.rules.wording import At
from device_agent.sensors.port import Channel, Scan
from device_agent.supervisor import Supervisor
from tests.device_agent.rules.test_notes import EPISODE

HOT = RuleConfig(name="hot", when="oven.t > 90", outputs=["lamp"], max_age_s=60.0)
CHANNELS = (Channel(name="t"),)
DEADLINE_S = 10.0


class Disk:
    """Takes events, when it may."""

    def __init__(self) -> None:
        self.well = threading.Event()
        self.events: list[AnyEvent] = []

    def accept(self, events: Sequence[AnyEvent]) -> None:
        assert self.well.wait(DEADLINE_S)
        self.events += events


class Process:
    """Rules and their threads, by a clock that can be set."""

    def __init__(self) -> None:
        self.disk, self.stop, self.ahead_ns = Disk(), threading.Event(), 0
        place = Place(Identity("g", "a" * 32), self.now, self.disk.accept, MemoryRuleNotes())
        self.watch = RuleWatch([HOT], [SimulatedOutput(name="lamp")], place)
        self.supervisor = Supervisor(self.stop)

    def now(self) -> At:
        return At(1_700_000_000_000, monotonic_ns() + self.ahead_ns)

    def scan(self, value: float) -> None:
        now = self.now()
        self.watch.see("oven", CHANNELS, 10.0, [Scan(0, now.wall_ms, now.monotonic_ns, (value,), {})])

    def switched(self, times: int) -> bool:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if self.watch.notice().counters["output.lamp.switches"] == times:
                return True
            threading.Event().wait(0.01)
        return False

    def end(self) -> None:
        self.stop.set()
        self.supervisor.join(DEADLINE_S)


def test_a_disk_that_hangs_delays_the_word_and_not_the_output() -> None:
    process = Process()
    process.watch.start(process.supervisor.start)
    for number, value in enumerate((95.0, 80.0, 95.0, 80.0), 1):
        process.scan(value)
        assert process.switched(number)
    assert process.disk.events == []
    process.disk.well.set()
    process.end()
    told = [event.phase for event in process.disk.events if isinstance(event, Episode)]
    assert told == ["opened", "closed", "opened", "closed"]
    assert process.watch.accepted == 4


def test_nobody_says_what_is_wanted_while_judging_hangs() -> None:
    process = Process()
    process.scan(95.0)
    process.watch.turn()
    assert process.watch.wanted() == {"lamp": True}
    process.ahead_ns += round((LEASE_S + 1) * 1e9)
    assert process.watch.wanted() is None


def test_sensors_that_no_rule_names_cost_nothing_and_a_process_without_rules_has_no_thread() -> None:
    place = Place(Identity("g", "a" * 32), Process().now, Disk().accept, MemoryRuleNotes())
    started: list[str] = []
    RuleWatch([], [], place).start(lambda name, _work: started.append(name))
    assert started == []
    process = Process()
    process.watch.see("other", CHANNELS, 10.0, [Scan(0, 0, 0, (95.0,), {})] * 20_000)
    assert process.watch.notice().counters["rules.shed"] == 0


def test_scans_that_nobody_judges_are_shed_and_counted() -> None:
    inbox, source, scan = Inbox(capacity=10), Source("oven", {"t": 0}, 10.0), Scan(0, 0, 0, (1.0,), {})
    inbox.put(Batch(source, [scan] * 8))
    inbox.put(Batch(source, [scan] * 3))
    inbox.put(Batch(source, [scan] * 2))
    assert (sum(len(batch.scans) for batch in inbox.take(0)), inbox.shed) == (10, 3)
    assert inbox.take(0) == []


def test_words_that_nobody_takes_are_bounded_and_counted() -> None:
    teller = Teller(lambda _events: None, MemoryRuleNotes())
    note = RuleNote(said=EPISODE, boot_id="a", onset_monotonic_ns=1)
    teller.put([Said("hot", note)] * (MOST_WAITING + 7))
    assert teller.shed == 7
    teller.end()
    teller.run()
    assert teller.accepted == MOST_WAITING


def test_a_note_that_cannot_be_written_keeps_no_word_back() -> None:
    class FullDisk(MemoryRuleNotes):
        def save(self, notes: object) -> None:
            raise OSError(28, f"no room for {notes}")

    told: list[AnyEvent] = []
    teller = Teller(told.extend, FullDisk())
    teller.put([Said("hot", RuleNote(said=EPISODE, boot_id="a", onset_monotonic_ns=1))])
    teller.end()
    teller.run()
    assert told == [EPISODE]
    assert teller.unnoted >= 1
