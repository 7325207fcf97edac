"""What rules say becomes accepted: noted first, then offered. A slow disk delays words, never an output.

Words wait in memory, at most ``MOST_WAITING``; what does not fit is counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from contract.kinds import AnyEvent
from device_agent.rules.engine import Said
from device_agent.rules.notes import RuleNotes

MOST_WAITING: Final = 4096
_LOOK_EVERY_S: Final = 0.25

logger = logging.getLogger(__name__)


class Teller:
    """One thread runs it, one puts.

    Args:
        accept: Durable on return.
        notes: Where the last words are kept.

    Attributes:
        accepted: Events so far.
        unnoted: Notes that could not be written; a crash now could leave an episode open in the cloud.
        shed: Words that were not told because too many waited.
    """

    def __init__(self, accept: Callable[[Sequence[AnyEvent]], None], notes: RuleNotes) -> None:
        self._accept, self._notes = accept, notes
        self._kept = notes.load()
        self._waiting: deque[Said] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self.accepted = self.unnoted = self.shed = 0

    def put(self, said: Iterable[Said]) -> None:
        """Takes words, in their order."""
        with self._changed:
            for one in said:
                if len(self._waiting) >= MOST_WAITING:
                    self.shed += 1
                else:
                    self._waiting.append(one)
            self._changed.notify()

    def end(self) -> None:
        """Says that no more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def run(self) -> None:
        """Tells everything until ``end`` was called and nothing waits; then closed rules need no note any more."""
        while self._turn():
            pass
        self._kept = {name: note for name, note in self._kept.items() if note.said.phase != "closed"}
        self._save()

    def _turn(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, _LOOK_EVERY_S)
            said, ended = list(self._waiting), self._ended
            self._waiting.clear()
        if said:
            self._tell(said)
        return bool(said) or not ended

    def _tell(self, said: Sequence[Said]) -> None:
        self._kept |= {one.rule: one.note for one in said}
        self._save()
        self._accept([one.note.said for one in said])
        self.accepted += len(said)

    def _save(self) -> None:
        try:
            self._notes.save(self._kept)
        except OSError as exc:
            self.unnoted += 1
            logger.warning("rules.unnoted", extra={"reason": str(exc)})
