"""Two devices that use one identity, told from what the cloud sees anyway.

- One spool holds two events under one sequence number, or two boots wrote one number: the storage was copied.
- Two spools speak in turn, A, B and A again: an ordinary new spool begins when the old one has ended, however
  late the old one's last messages are delivered, because the broker's time of receipt is compared.

Neither a reboot, nor a renewed spool, nor blocks that are sent again look like that. A storage that was set back
(an old image restored) does; the sentence says so. The alert of a day stands for one day more.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from cloud_functions.core.keys import identity_key
from cloud_functions.core.moves import Moved
from cloud_functions.core.people import Alert
from cloud_functions.core.receive import Arrival
from cloud_functions.core.rows import WatermarkRow
from contract.events import Lane

_DAY_MS: Final = 86_400_000
_LANE: Final[Lane] = "events"


class Evidence(NamedTuple):
    """Why two devices must be at work; ``wall_ms`` is when the broker heard of it."""

    wall_ms: int
    reason: str


def evidence(arrivals: Sequence[Arrival], moved: Sequence[Moved], rows: Iterable[WatermarkRow]) -> Evidence | None:
    """What a batch of one gateway shows; ``rows`` are all its lanes as they are now."""
    heard_ms = max(one.row.last_seen_ms for one in moved)
    for arrival in arrivals:
        if arrival.clash:
            said = f"{arrival.envelope.lane} {arrival.clash} of spool {arrival.envelope.spool_id}"
            return Evidence(heard_ms, f"two different events are {said}; or its storage was set back")
    for one in moved:
        if one.shared:
            seq, boot, other = one.shared
            said = f"boots {boot[:8]} and {other[:8]} both wrote event {seq} of spool {one.row.spool_id}"
            return Evidence(heard_ms, f"{said}; or its storage was set back")
    busy = {one.row.spool_id for one in moved if one.row.lane == _LANE}
    reason = _in_turn([row for row in rows if row.lane == _LANE and row.first_new_ms], busy)
    return Evidence(heard_ms, reason) if reason else None


def _in_turn(rows: list[WatermarkRow], busy: set[str]) -> str:
    ordered = sorted(rows, key=lambda row: (row.first_new_ms, row.spool_id))
    for old, new in pairwise(ordered):
        is_recent = abs(old.last_new_ms - new.last_new_ms) <= _DAY_MS
        if old.last_new_ms > new.first_new_ms and is_recent and busy & {old.spool_id, new.spool_id}:
            return f"spools {old.spool_id} and {new.spool_id} send new events in turn"
    return ""


def identity_alert(gateway_id: str, found: Evidence, *, expires_at: int) -> Alert:
    """The alert; one a day, however much evidence there is."""
    pk, sk = identity_key(gateway_id, found.wall_ms)
    return Alert(
        pk=pk,
        sk=sk,
        alert_id=sk,
        gateway_id=gateway_id,
        sensor="",
        episode_id="",
        state="open",
        opened_ms=found.wall_ms,
        severity="critical",
        top_channel="",
        reason=f"two devices use this identity: {found.reason}",
        peak_score=0.0,
        rank=0,
        about="identity",
        open_pk=pk,
        open_sk=sk,
        expires_at=expires_at,
    )
