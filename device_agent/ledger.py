"""A harness's own account of what was accepted, kept outside the spool.

Written after ``append`` returned, so a line here means: this event is durable and must be found in the cloud.
Not here: anything the product itself reads.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from contract.events import Episode, Lane
from contract.kinds import AnyEvent
from contract.readings import Context
from device_agent.spool.port import Accepted


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted event.

    Attributes:
        spool_id: With lane and sequence, the event's identity on its gateway.
        lane: See ``spool_id``.
        seq: See ``spool_id``.
        kind: ``episode``, ``summary``, ``health`` or ``context``.
        sample_wall_ms: When the reading that completed the event was taken.
        accepted_wall_ms: When the spool had it on disk.
        episode_id: Of an episode's opening and of its context; else empty.
    """

    spool_id: str
    lane: Lane
    seq: int
    kind: str
    sample_wall_ms: int
    accepted_wall_ms: int
    episode_id: str = ""


class Acceptance(NamedTuple):
    """What one append accepted."""

    spool_id: str
    events: Sequence[AnyEvent]
    places: Sequence[Accepted]


class Ledger:
    """Appends entries to a file, one JSON object a line.

    Args:
        path: Made anew if missing; lines are added to what is there.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def record(self, acceptance: Acceptance) -> None:
        """Adds one line per event, all in one write."""
        now = time.time_ns() // 1_000_000
        lines = [
            msgspec.json.encode(_entry(acceptance.spool_id, event, place, now)) + b"\n"
            for event, place in zip(acceptance.events, acceptance.places, strict=True)
        ]
        self._file.write(b"".join(lines))

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        self._file.close()


def completed_ms(event: AnyEvent) -> int:
    """When the reading that completed an event was taken: of a context its last scan, not its first."""
    return event.wall_ms + event.span_ms if isinstance(event, Context) else event.wall_ms


def _entry(spool_id: str, event: AnyEvent, place: Accepted, now_ms: int) -> Entry:
    return Entry(
        spool_id=spool_id,
        lane=place.lane,
        seq=place.seq,
        kind=str(event.__struct_config__.tag),
        sample_wall_ms=completed_ms(event),
        accepted_wall_ms=now_ms,
        episode_id=_episode_id(event),
    )


def _episode_id(event: AnyEvent) -> str:
    if isinstance(event, Context):
        return event.episode_id
    return event.episode_id if isinstance(event, Episode) and event.phase == "opened" else ""
