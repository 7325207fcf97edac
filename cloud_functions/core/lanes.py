"""A gateway's watermarks: moved by what was stored, and told to the gateway.

Told at most every interval and lane, because each answer is a metered message, but at once where waiting
would cost more: an episode came or an alert is open (the gateway is busy and its spool fills), its latest
Health says that the spool is more than half full, or a block came a second time (the gateway has not heard the
last answer). A lane that has gone quiet is told when any
lane of its gateway speaks.

The mark is read, moved and written under its version, so concurrent functions cannot lose each other's
ranges. Having decided to tell is written with it; if telling fails then, the record comes again, as a second
time.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from cloud_functions.core.errors import StoreError
from cloud_functions.core.feedback import unheard
from cloud_functions.core.identity import Evidence, evidence
from cloud_functions.core.keys import OPEN_ALERTS, Key, fleet_key, shard
from cloud_functions.core.moves import Moved, mark_of, move
from cloud_functions.core.people import Alert
from cloud_functions.core.ports import AnyRow, Clock, Span, Table
from cloud_functions.core.receive import Arrival
from cloud_functions.core.rows import GatewayRow, WatermarkRow
from cloud_functions.core.show import latest_health
from cloud_functions.core.watermark import missing
from contract.envelope import Envelope, Stored
from contract.events import Episode
from contract.feedback import Feedback
from contract.health import Health

_ATTEMPTS: Final = 10
_MAX_MISSING: Final = 100
"""Ranges named in one answer, lowest first: 4 KB at most, one metered unit."""
_FULL: Final = 0.5
"""Above this share of its spool a gateway is answered at once: it can forget nothing before."""


class Advanced(NamedTuple):
    """What became of a gateway's marks.

    Attributes:
        told: The rows to tell.
        evidence: Why two devices must be at work, if so.
        unheard: What people said, if it must be told again.
    """

    told: list[WatermarkRow]
    evidence: Evidence | None
    unheard: Feedback | None


def answer(row: WatermarkRow) -> Stored:
    """What the gateway is told."""
    holes = missing(mark_of(row))[:_MAX_MISSING]
    return Stored(spool_id=row.spool_id, lane=row.lane, through=row.through, missing=holes)


class Lanes:
    """Moves the watermarks of one gateway at a time.

    Args:
        table: Where they are.
        clock: The cloud's time.
        interval_ms: See above; 0 tells after every batch.
    """

    def __init__(self, table: Table, clock: Clock, *, interval_ms: int) -> None:
        self._table = table
        self._clock = clock
        self._interval_ms = interval_ms

    def advance(self, gateway_id: str, arrivals: Sequence[Arrival]) -> Advanced:
        """Moves them by these settled arrivals. Raises ``StoreError``."""
        known = self._known(gateway_id)
        rows = {row.key: row for row in known if isinstance(row, WatermarkRow)}
        touched: dict[Key, list[Arrival]] = {}
        for arrival in arrivals:
            touched.setdefault(_key(arrival.envelope), []).append(arrival)
        current = [rows.get(key) or _first_row(group[0].envelope) for key, group in touched.items()]
        health = latest_health(next((row for row in known if isinstance(row, GatewayRow)), None), arrivals)
        urgent = self._is_urgent(gateway_id, arrivals, current, health)
        moved = [self._move(row, touched[row.key], urgent=urgent) for row in current]
        told = [one.row for one, tell in moved if tell]
        quiet = [self._tell_quiet(row, urgent=urgent) for key, row in rows.items() if key not in touched]
        rows |= {one.row.key: one.row for one, _ in moved}
        found = evidence(arrivals, [one for one, _ in moved], rows.values())
        return Advanced([*told, *(row for row in quiet if row)], found, unheard(known, arrivals))

    def _known(self, gateway_id: str) -> list[AnyRow]:
        pk, prefix = fleet_key(gateway_id, "")
        return self._table.query(Span(pk, first=prefix, last=f"{prefix}~"))

    def _is_urgent(
        self, gateway_id: str, arrivals: Sequence[Arrival], rows: list[WatermarkRow], health: Health | None
    ) -> bool:
        if all(self._is_due(row) for row in rows):
            return False
        if any(not one.is_new or any(isinstance(e, Episode) for e in one.sifted.good) for one in arrivals):
            return True
        if health and (health.spool_fill or 0.0) > _FULL:
            return True
        prefix = f"{gateway_id}#"
        span = Span(f"A#{shard(gateway_id)}", prefix, f"{prefix}~", index_name=OPEN_ALERTS, limit=1)
        return any(isinstance(row, Alert) for row in self._table.query(span))

    def _is_due(self, row: WatermarkRow) -> bool:
        return self._clock() - row.replied_ms >= self._interval_ms

    def _move(self, row: WatermarkRow, arrivals: list[Arrival], *, urgent: bool) -> tuple[Moved, bool]:
        for _ in range(_ATTEMPTS):
            moved = move(row, arrivals, now_ms=self._clock())
            tell = urgent or self._is_due(row)
            new = self._told(moved.row) if tell else moved.row
            written = replace(new, version=row.version + 1)
            if self._table.merge(written, rank="version"):
                return moved._replace(row=written), tell
            latest = self._table.get(row.key)
            row = latest if isinstance(latest, WatermarkRow) else row
        raise StoreError(f"watermark {row.key}: {_ATTEMPTS} other writers were faster")

    def _told(self, row: WatermarkRow) -> WatermarkRow:
        now_ms = self._clock()
        named_ms = row.named_ms if row.named_ms >= row.moved_ms else now_ms
        return replace(row, replied_ms=now_ms, replied_through=row.through, named_ms=named_ms)

    def _tell_quiet(self, row: WatermarkRow, *, urgent: bool) -> WatermarkRow | None:
        if row.through <= row.replied_through or not (urgent or self._is_due(row)):
            return None
        told = replace(self._told(row), version=row.version + 1)
        return told if self._table.merge(told, rank="version") else None


def _key(envelope: Envelope) -> Key:
    return fleet_key(envelope.gateway_id, f"lane#{envelope.lane}#{envelope.spool_id}")


def _first_row(envelope: Envelope) -> WatermarkRow:
    pk, sk = _key(envelope)
    return WatermarkRow(
        pk=pk,
        sk=sk,
        gateway_id=envelope.gateway_id,
        spool_id=envelope.spool_id,
        lane=envelope.lane,
        version=0,
        through=0,
        pending="[]",
        last_seen_ms=0,
    )
