"""What of a gateway's lanes has not come: holes that are filling up, holes that stay, and what was given up.

A hole is sequences below the highest that came. It is *coming* while the gateway may still send it: a backlog
drains behind what is new, and a block may overtake another in the queue. It is *missing* when it has not shrunk
for some minutes, and

- it is of a spool that the gateway no longer uses, or
- the gateway's latest Health does not speak of so many waiting events beside those that are stored and of which
  it was not told yet (half of the hole is enough to believe: some came since that Health), or
- it is small, the gateway was told of it, and was heard of minutes later: it sends or declares what it is asked
  for, while a large hole may be a backlog that it holds back.
"""

from collections import Counter as Counts
from collections.abc import Iterable, Sequence
from typing import Final

from cloud_functions.core.moves import declared_of, mark_of
from cloud_functions.core.ports import AnyRow
from cloud_functions.core.rows import Counter, GatewayRow, WatermarkRow
from cloud_functions.core.shape import health_of
from cloud_functions.core.views import GapView, LaneView
from cloud_functions.core.watermark import missing, stored_count
from contract.health import Health

PATIENCE_MS: Final = 5 * 60_000
"""A hole that did not shrink for so long is no longer one block overtaking another."""
_FEW: Final = 100
MAX_RANGES: Final = 20
"""Ranges named of one gap, lowest first."""


def gaps(known: Sequence[AnyRow], *, now_ms: int) -> list[GapView]:
    """The holes of one gateway, from its rows."""
    health_row = next((row for row in known if isinstance(row, GatewayRow)), None)
    health = health_of(health_row)
    marks = [row for row in known if isinstance(row, WatermarkRow)]
    newest = max(marks, key=lambda row: row.last_seen_ms).spool_id if marks else ""
    found = []
    for row in marks:
        if holes := missing(mark_of(row)):
            count = sum(hole.last - hole.first + 1 for hole in holes)
            is_old = now_ms - row.moved_ms > PATIENCE_MS
            is_gone = row.spool_id != newest or not _waits(health, row, count) or _was_asked_for(row, count)
            found.append(
                GapView(
                    lane=row.lane,
                    spool_id=row.spool_id,
                    state="missing" if is_old and is_gone else "coming",
                    count=count,
                    since_ms=row.moved_ms,
                    ranges=holes[:MAX_RANGES],
                )
            )
    return found


def _waits(health: Health | None, row: WatermarkRow, count: int) -> bool:
    """Whether the gateway still has most of a hole, by its own word."""
    untold = stored_count(mark_of(row)) - row.replied_through
    return health is not None and health.spool_pending.get(row.lane, 0) >= untold + (count + 1) // 2


def _was_asked_for(row: WatermarkRow, count: int) -> bool:
    is_named = row.named_ms >= row.moved_ms
    return count <= _FEW and is_named and row.last_seen_ms - row.named_ms > PATIENCE_MS


def lanes(known: Sequence[AnyRow], *, now_ms: int) -> dict[str, LaneView]:
    """Each lane of one gateway over all its spools."""
    found = gaps(known, now_ms=now_ms)
    marks = [row for row in known if isinstance(row, WatermarkRow)]
    return {lane: _lane(lane, marks, found, known) for lane in sorted({row.lane for row in marks})}


def _lane(lane: str, marks: list[WatermarkRow], found: list[GapView], known: Iterable[AnyRow]) -> LaneView:
    rows = [row for row in marks if row.lane == lane]
    open_gaps = [gap for gap in found if gap.lane == lane]
    missed = [gap for gap in open_gaps if gap.state == "missing"]
    return LaneView(
        stored=sum(stored_count(mark_of(row)) for row in rows),
        missing=sum(gap.count for gap in missed),
        coming=sum(gap.count for gap in open_gaps if gap.state == "coming"),
        missing_since_ms=min((gap.since_ms for gap in missed), default=None),
        given_up=_given_up(lane, rows, known),
        moved_ms=max(row.moved_ms for row in rows),
    )


def _given_up(lane: str, rows: list[WatermarkRow], known: Iterable[AnyRow]) -> dict[str, int]:
    """By reason: what the gateway counted, or the sequences it declared where that is more."""
    declared = Counts[str]()
    for row in rows:
        declared.update(declared_of(row))
    counted = {
        c.reason: c.count for c in known if isinstance(c, Counter) and c.of_lane == lane and isinstance(c.reason, str)
    }
    both = {reason: max(declared[reason], counted.get(reason, 0)) for reason in declared.keys() | counted.keys()}
    return dict(sorted(both.items()))
