"""Any order of offering, waiting, failing disks, kills and sending: every event is accepted, told, or within the bound.

``offered = accepted + shed (told) + lost by a kill``; a kill takes events only while the disk fails, and summaries and
context only from the last ``group_commit_s``. What was accepted is stored in the end, or declared.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contract.codec import decode_envelope
from contract.events import LANES, Lane, Loss
from contract.health import Health
from contract.kinds import AnyEvent
from contract.readings import Context, Summary
from contract.traces import Trace
from device_agent.spool.headroom import LOW_BYTES
from device_agent.spool.intake import LAST_RETRY_S, Intake, Patience
from device_agent.spool.limits import LaneLimit, Limits
from device_agent.spool.port import Accepted, Lost
from device_agent.spool.sqlite import SqliteSpool
from device_agent.spool.trouble import SpoolTroubleError

LIMITS = Limits({"events": LaneLimit(9_000), "summaries": LaneLimit(8_000, 500), "context": LaneLimit(8_000)}, 14_000)
GROUP_COMMIT_S = 1.0
HOLD_BYTES = 12_000


class Failing(SqliteSpool):
    """A spool on a disk that can be taken away."""

    broken = False

    def append(self, boot_id: str, events: Sequence[AnyEvent], lost: Sequence[Lost] = ()) -> list[Accepted]:
        if self.broken:
            raise SpoolTroubleError("spool: gone", kind="read-only")
        return super().append(boot_id, events, lost)

    def tell_losses(self, boot_id: str, *, wall_ms: int, monotonic_ms: int) -> list[tuple[Loss, Accepted]]:
        if self.broken:
            raise SpoolTroubleError("spool: gone", kind="read-only")
        return super().tell_losses(boot_id, wall_ms=wall_ms, monotonic_ms=monotonic_ms)


def _event(lane: Lane, marker: int, size: int) -> AnyEvent:
    if lane == "events":
        return Health(
            wall_ms=marker, monotonic_ms=0, version="1" * size, uptime_ms=0, interval_ms=1, sensors={}, counters={}
        )
    if lane == "summaries":
        return Summary(
            wall_ms=marker, monotonic_ms=0, sensor="s" * size, start_wall_ms=0, scans=1, state="armed", channels={}
        )
    trace = Trace(unit="", resolution=1.0, packed="AA" * size)
    return Context(wall_ms=marker, monotonic_ms=0, episode_id="e", sensor="s", scans=0, traces={"c": trace})


class Offering(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = Path(tempfile.mkdtemp())
        self.now_s, self.free_bytes, self.boot, self.marker = 0.0, 1 << 30, 1, 0
        self.offered: dict[int, tuple[Lane, float]] = {}
        self.accepted: dict[int, Accepted] = {}
        self.places: set[Accepted] = set()
        self.newest: Counter[Lane] = Counter()
        self.killed: set[int] = set()
        self.shed_before: Counter[Lane] = Counter()
        self.passed: dict[Lane, set[int]] = {lane: set() for lane in LANES}
        self.spool = self.open()
        self.intake = self.start()

    def open(self) -> Failing:
        return Failing(
            self.folder / "spool.sqlite3",
            limits=LIMITS,
            reserve_bytes=0,
            monotonic_s=lambda: self.now_s,
            free=lambda _: self.free_bytes,
        )

    def start(self) -> Intake:
        patience = Patience(GROUP_COMMIT_S, HOLD_BYTES)
        return Intake(
            self.spool, f"b{self.boot}", patience, monotonic_s=lambda: self.now_s, on_accepted=self.hear_accepted
        )

    def hear_accepted(self, events: Sequence[AnyEvent], places: Sequence[Accepted]) -> None:
        for event, place in zip(events, places, strict=True):
            assert place not in self.places, "no number twice"
            self.places.add(place)
            if isinstance(event, Loss):
                continue
            assert event.wall_ms > self.newest[place.lane], "the order of offering is the order of the lane"
            self.newest[place.lane] = event.wall_ms
            self.accepted[event.wall_ms] = place

    @rule(lanes=st.lists(st.sampled_from(LANES), min_size=3, max_size=8), size=st.sampled_from([1, 300, 1000]))
    def offer(self, lanes: list[Lane], size: int) -> None:
        events = []
        for lane in lanes:
            self.marker += 1
            self.offered[self.marker] = lane, self.now_s
            events.append(_event(lane, self.marker, size))
        self.intake.offer(events)
        if not self.spool.broken and not self.intake.trouble and "events" in lanes:
            assert self.waiting() == []

    @rule(lanes=st.lists(st.sampled_from(LANES[1:]), min_size=1, max_size=3), seconds=st.sampled_from([0.3, 1.0, 6.0]))
    def offer_and_wait(self, lanes: list[Lane], seconds: float) -> None:
        self.offer(lanes, 1)
        self.wait(seconds)

    @rule(lanes=st.lists(st.sampled_from(LANES), min_size=3, max_size=8))
    def offer_while_the_disk_fails(self, lanes: list[Lane]) -> None:
        self.spool.broken = True
        self.offer(lanes, 300)
        self.offer(lanes, 300)
        self.spool.broken = False
        self.wait(LAST_RETRY_S)

    @rule(seconds=st.sampled_from([0.3, 1.0, 6.0, 300.0]))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.intake.tick()
        if not self.spool.broken and not self.intake.trouble:
            assert all(self.offered[number][1] > self.now_s - GROUP_COMMIT_S for number in self.waiting())

    @rule(broken=st.booleans())
    def disk(self, *, broken: bool) -> None:
        self.spool.broken = broken

    @rule(free=st.sampled_from([0, LOW_BYTES - 1, 1 << 30]))
    def room(self, free: int) -> None:
        self.free_bytes = free

    @rule()
    def kill(self) -> None:
        lost = set(self.waiting())
        self.shed_before = self.shed()
        if not self.spool.broken and not self.intake.trouble:
            assert all(self.offered[n][0] != "events" for n in lost)
            assert all(self.offered[n][1] > self.now_s - GROUP_COMMIT_S for n in lost)
        self.killed |= lost
        self.spool.close()
        self.spool, self.boot = self.open(), self.boot + 1
        self.intake = self.start()

    @rule(stale=st.integers(0, 3), partial=st.booleans())
    def send(self, stale: int, *, partial: bool) -> None:
        for lane in LANES:
            block = self.spool.take(lane, after=0, partial=partial)
            if block is None:
                continue
            self.hear(lane, block.envelope("gw"))
            marks = [self.watermark(lane)] * 2 + [max(0, self.watermark(lane) - stale)]  # said twice, and an older one
            stored = [self.spool.forget(lane, mark) for mark in marks]
            assert stored == sorted(stored), "a watermark never falls"

    @rule()
    def tell(self) -> None:
        self.intake.tell_losses(wall_ms=0, monotonic_ms=0)

    @invariant()
    def no_lane_is_above_its_limit(self) -> None:
        kept = self.spool.lane_bytes()
        assert all(kept[lane] <= LIMITS.lanes[lane].max_bytes for lane in LANES)
        assert sum(kept.values()) <= LIMITS.max_bytes

    def hear(self, lane: Lane, raw: bytes) -> None:
        envelope = decode_envelope(raw)
        self.passed[lane] |= set(range(envelope.first_seq, envelope.last_seq + 1))
        for each in envelope.declared:
            self.passed[lane] |= set(range(each.first, each.last + 1))

    def watermark(self, lane: Lane) -> int:
        return next(n for n in range(1, 1 << 30) if n not in self.passed[lane]) - 1

    def shed(self) -> Counter[Lane]:
        """By the processes so far."""
        return self.shed_before + Counter({lane: self.intake.counters.get(f"shed.{lane}", 0) for lane in LANES})

    def waiting(self) -> list[int]:
        """What is neither accepted, shed nor lost by a kill: the newest of each lane, for the oldest are shed."""
        waiting = []
        for lane in LANES:
            numbers = [n for n, (of, _) in self.offered.items() if of == lane]
            settled = sum(n in self.accepted or n in self.killed for n in numbers) + self.shed()[lane]
            waiting += numbers[settled:]
        return waiting

    def teardown(self) -> None:
        self.spool.broken, self.free_bytes = False, 1 << 30
        self.now_s += LAST_RETRY_S
        assert self.intake.flush()
        self.intake.tell_losses(wall_ms=0, monotonic_ms=0)
        for lane in LANES:
            after = 0
            while block := self.spool.take(lane, after=after, partial=True):
                after = block.first_seq
                self.hear(lane, block.envelope("gw"))
            self.spool.forget(lane, self.watermark(lane))
        assert self.waiting() == []
        assert all(place.seq in self.passed[place.lane] for place in self.places)
        assert set(self.spool.pending().values()) == {0}
        self.spool.close()
        shutil.rmtree(self.folder)


TestOffering = Offering.TestCase
TestOffering.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
