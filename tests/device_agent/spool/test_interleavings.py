"""Any order of appending, sealing, storing, refusing, damage and crashing keeps the spool's promises.

The model is a cloud that remembers which sequence numbers reached it and answers with its watermark, and with
what it misses below the highest it has seen.
"""

import shutil
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contract.codec import decode_envelope
from contract.envelope import MAX_ENVELOPE_BYTES
from contract.readings import Context
from contract.traces import Trace
from device_agent.spool.limits import same_for_all
from device_agent.spool.memory import MemorySpool
from device_agent.spool.sqlite import SqliteSpool

LIMITS = same_for_all(20_000)


def _event(size: int, marker: int) -> Context:
    trace = Trace(unit="", resolution=1.0, packed="AA" * size)
    return Context(wall_ms=marker, monotonic_ms=0, episode_id="e", sensor="s", scans=0, traces={"c": trace})


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = Path(tempfile.mkdtemp())
        self.spool = self.open()
        self.accepted: list[int] = []
        self.sent: dict[int, bytes] = {}
        self.arrived: dict[int, bytes] = {}
        self.stored: set[int] = set()
        self.declared: set[int] = set()
        self.cursor = 0
        self.boot = 1

    def open(self) -> SqliteSpool | MemorySpool:
        return SqliteSpool(self.folder / "spool.sqlite3", limits=LIMITS, reserve_bytes=0)

    @rule(sizes=st.lists(st.sampled_from([1, 100, 800, 3000]), min_size=1, max_size=6))
    def append(self, sizes: list[int]) -> None:
        events = [_event(size, len(self.accepted)) for size in sizes]
        places = self.spool.append(f"boot{self.boot}", events)
        assert all(place.seq not in self.accepted for place in places)
        self.accepted += [place.seq for place in places]

    @rule(partial=st.booleans(), arrives=st.booleans())
    def send(self, *, partial: bool, arrives: bool) -> None:
        block = self.spool.take("context", after=self.cursor, partial=partial)
        if block is None:
            return
        assert block.first_seq > self.cursor  # in order within the lane
        self.cursor = block.last_seq
        self._deliver(block.first_seq, block.envelope("gw"), arrives=arrives)

    @rule(arrives=st.booleans())
    def send_what_is_newest_first(self, *, arrives: bool) -> None:
        newest = self.spool.newest("context")
        self.append([100, 1])
        block = self.spool.take("context", after=newest, partial=True)
        if block is not None:
            assert block.first_seq > newest
            self._deliver(block.first_seq, block.envelope("gw"), arrives=arrives)

    @rule(arrives=st.booleans())
    def send_the_oldest_again(self, *, arrives: bool) -> None:
        block = self.spool.take("context", after=0, partial=False)
        if block is not None:
            self._deliver(block.first_seq, block.envelope("gw"), arrives=arrives)

    def _deliver(self, first: int, raw: bytes, *, arrives: bool) -> None:
        assert len(raw) <= MAX_ENVELOPE_BYTES
        self.check_copy(first, raw)
        if arrives:
            self.arrived[first] = raw
            envelope = decode_envelope(raw)
            self.stored |= set(range(envelope.first_seq, envelope.last_seq + 1))
            for each in envelope.declared:
                self.declared |= set(range(each.first, each.last + 1))

    def check_copy(self, first: int, raw: bytes) -> None:
        assert self.sent.setdefault(first, raw) == raw  # a second copy is the same bytes

    def _watermark(self) -> int:
        through = 0
        while through + 1 in self.stored | self.declared:
            through += 1
        return through

    @rule()
    def hear_the_watermark(self) -> None:
        mark = self.spool.forget("context", self._watermark())
        assert mark <= self._watermark()

    @rule()
    def refuse_the_oldest(self) -> None:
        block = self.spool.take("context", after=0, partial=False)
        if block is not None and block.first_seq not in self.stored:
            self.spool.give_up("context", block.first_seq, block.last_seq, "refused")

    @rule()
    def hear_what_is_missing(self) -> None:
        """What the cloud misses below the highest it has, and the spool does not hand out, is given up."""
        for first, last in self._missing():
            block = self.spool.take("context", after=first - 1, partial=False)
            end = last if block is None else min(last, block.first_seq - 1)
            waiting = self.spool.waiting("context", after=first - 1)
            if end >= first and (waiting is None or waiting > end):
                self.spool.give_up("context", first, end, "forgotten")
            self.cursor = min(self.cursor, (self.spool.waiting("context") or first) - 1)

    @rule()
    def tell_losses(self) -> None:
        told = self.spool.tell_losses("boot", wall_ms=1, monotonic_ms=1)
        assert all(event.of_lane == "context" for event, _ in told)
        assert self.spool.tell_losses("boot", wall_ms=1, monotonic_ms=1) == []

    @rule(new_boot=st.booleans())
    def restart(self, *, new_boot: bool) -> None:
        identity = self.spool.spool_id
        self.reopen()
        assert self.spool.spool_id == identity
        self.cursor = 0
        self.boot += new_boot

    def reopen(self) -> None:
        self.spool.close()
        self.spool = self.open()

    def _missing(self) -> list[tuple[int, int]]:
        known = self.stored | self.declared
        through, ranges = self._watermark(), list[tuple[int, int]]()
        for seq in range(through + 1, max(known, default=0)):
            if seq in known:
                continue
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1] = (ranges[-1][0], seq)
            else:
                ranges.append((seq, seq))
        return ranges

    @invariant()
    def nothing_unknown_to_the_cloud_is_forgotten(self) -> None:
        assert self.spool.stored()["context"] <= self._watermark()

    def teardown(self) -> None:
        for _ in range(50):
            after = 0
            while block := self.spool.take("context", after=after, partial=True):
                self._deliver(block.first_seq, block.envelope("gw"), arrives=True)
                after = block.first_seq
            self.hear_what_is_missing()
            self.spool.forget("context", self._watermark())
            if self.spool.pending()["context"] == 0:
                break
        assert set(self.accepted) <= self.stored | self.declared  # lost = accepted - stored - declared = 0
        assert self.spool.pending()["context"] == 0
        self.end()

    def end(self) -> None:
        self.spool.close()
        shutil.rmtree(self.folder)


class Damaged(Interleavings):
    """The same, while bits flip in stored events. What arrived once is never sent with other bytes."""

    def check_copy(self, first: int, raw: bytes) -> None:
        assert self.arrived.get(first, raw) == raw

    @rule(place=st.integers(0, 30))
    def flip_a_bit(self, place: int) -> None:
        with sqlite3.connect(self.folder / "spool.sqlite3") as db:
            rows = db.execute("SELECT seq, body FROM event WHERE lane = 'context' ORDER BY seq").fetchall()
            if rows:
                seq, body = rows[place % len(rows)]
                flipped = bytes([body[0] ^ 4]) + body[1:]
                db.execute("UPDATE event SET body = ? WHERE lane = 'context' AND seq = ?", (flipped, seq))
        db.close()


class InMemory(Interleavings):
    """The other adapter; it cannot crash."""

    def open(self) -> SqliteSpool | MemorySpool:
        return MemorySpool(limits=LIMITS)

    def reopen(self) -> None:
        """Its restart is a forwarder's only."""

    def end(self) -> None:
        shutil.rmtree(self.folder)


SETTINGS = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = SETTINGS
TestDamaged = Damaged.TestCase
TestDamaged.settings = SETTINGS
TestInMemory = InMemory.TestCase
TestInMemory.settings = SETTINGS
