"""A world that fails at a chosen step: the port's own adapter, and an error instead of one of its calls."""

from typing import Literal

from cloud_functions.adapters.memory import MemoryReplies, MemoryTable
from cloud_functions.core.errors import StoreError
from cloud_functions.core.keys import Key
from cloud_functions.core.ports import AnyRow, Span
from cloud_functions.core.rows import Counter, Row
from contract.envelope import Stored
from contract.feedback import Feedback


class Fuse:
    """Breaks call number ``at`` (from 1), before or after it took effect; 0 never breaks."""

    def __init__(self, at: int = 0, *, after: bool = False) -> None:
        self.calls = 0
        self._at = at
        self._after = after

    def rearm(self, at: int, *, after: bool = False) -> None:
        """Counts anew, and breaks at another call."""
        self.calls, self._at, self._after = 0, at, after

    def before(self) -> None:
        self.calls += 1
        if self.calls == self._at and not self._after:
            raise StoreError("unplugged")

    def after(self) -> None:
        if self.calls == self._at and self._after:
            raise StoreError("unplugged")


class UnreliableTable(MemoryTable):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse

    def get(self, key: Key) -> AnyRow | None:
        return super().get(key)

    def insert(self, row: Row, *, counter: Counter | None = None) -> AnyRow | None:
        self.fuse.before()
        there = super().insert(row, counter=counter)
        self.fuse.after()
        return there

    def merge(self, row: Row, *, rank: Literal["rank", "version", "broker_ms", "notified_ms"]) -> bool:
        self.fuse.before()
        merged = super().merge(row, rank=rank)
        self.fuse.after()
        return merged

    def query(self, span: Span) -> list[AnyRow]:
        self.fuse.before()
        return super().query(span)


class UnreliableReplies(MemoryReplies):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse

    def reply(self, gateway_id: str, stored: Stored) -> None:
        self.fuse.before()
        super().reply(gateway_id, stored)
        self.fuse.after()

    def advise(self, gateway_id: str, feedback: Feedback) -> None:
        self.fuse.before()
        super().advise(gateway_id, feedback)
        self.fuse.after()
