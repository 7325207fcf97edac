"""What one batch did, counted; and which of its records must come again.

A store that does not answer costs the records it was needed for, never their neighbours: ``guard`` marks
those records as failed, the queue delivers them again, and every step is harmless when repeated.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from cloud_functions.core.errors import StoreError

COUNTED: Final = (
    "records",
    "blocks",
    "duplicates",
    "events",
    "poison",
    "bad_events",
    "episodes",
    "clones",
    "replies",
    "advised",
    "postponed",
    "failed",
)


class Tally:
    """Counts by name, failed record ids, and the sentences of what went wrong."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.failed: set[str] = set()
        self.problems: list[str] = []

    def add(self, name: str, count: int = 1) -> None:
        """Counts; ``name`` is one of ``COUNTED``."""
        self._counts[name] += count

    def postpone(self, record_id: str) -> None:
        """Marks a record for which there was no time: it comes again."""
        self.failed.add(record_id)
        self.add("postponed")

    @contextlib.contextmanager
    def guard(self, record_ids: Iterable[str]) -> Iterator[None]:
        """Turns a StoreError inside into failed records."""
        try:
            yield
        except StoreError as exc:
            self.failed.update(record_ids)
            self.problems.append(str(exc))

    def counts(self) -> dict[str, int]:
        """All counts, zeros too, so that a missing one is never read as none."""
        return {name: self._counts[name] for name in COUNTED} | {"failed": len(self.failed)}
