"""Any order of appending, sealing, storing, refusing and crashing keeps the spool's promises.

The model is a cloud that remembers which sequence numbers reached it and answers with its watermark.
"""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contract.codec import decode_envelope
from contract.envelope import MAX_ENVELOPE_BYTES
from contract.events import Context, Trace
from device_agent.spool.sqlite import SqliteSpool


def _event(size: int, marker: int) -> Context:
    trace = Trace(unit="", resolution=1.0, steps=[1] * size)
    return Context(wall_ms=marker, monotonic_ms=0, episode_id="e", sensor="s", offsets_ms=[], traces={"c": trace})


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = Path(tempfile.mkdtemp())
        self.spool = SqliteSpool(self.folder / "spool.sqlite3", max_bytes=20_000)
        self.accepted: list[int] = []
        self.sent: dict[int, bytes] = {}
        self.stored: set[int] = set()
        self.declared: set[int] = set()
        self.cursor = 0
        self.boot = 1

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
    def send_the_oldest_again(self, *, arrives: bool) -> None:
        block = self.spool.take("context", after=0, partial=False)
        if block is not None:
            self._deliver(block.first_seq, block.envelope("gw"), arrives=arrives)

    def _deliver(self, first: int, raw: bytes, *, arrives: bool) -> None:
        assert len(raw) <= MAX_ENVELOPE_BYTES
        assert self.sent.setdefault(first, raw) == raw  # a second copy is the same bytes
        if arrives:
            envelope = decode_envelope(raw)
            self.stored |= set(range(envelope.first_seq, envelope.last_seq + 1))
            for each in envelope.declared:
                self.declared |= set(range(each.first, each.last + 1))

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

    @rule(new_boot=st.booleans())
    def restart(self, *, new_boot: bool) -> None:
        identity = self.spool.spool_id
        self.spool.close()
        self.spool = SqliteSpool(self.folder / "spool.sqlite3", max_bytes=20_000)
        assert self.spool.spool_id == identity
        self.cursor = 0
        self.boot += new_boot

    @invariant()
    def nothing_unknown_to_the_cloud_is_forgotten(self) -> None:
        assert self.spool.stored()["context"] <= self._watermark()

    def teardown(self) -> None:
        after = 0
        while block := self.spool.take("context", after=after, partial=True):
            self._deliver(block.first_seq, block.envelope("gw"), arrives=True)
            self.spool.forget("context", self._watermark())
            after = block.first_seq
        assert set(self.accepted) <= self.stored | self.declared  # lost = accepted - stored - declared = 0
        assert self.spool.pending()["context"] == 0
        self.spool.close()
        shutil.rmtree(self.folder)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
