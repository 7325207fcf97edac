"""The fleet at a glance, and its alerts.

A gateway is online while it was heard of within three of its Health intervals. ``degraded`` means a sensor
cannot be read; open alerts are counted beside the status, because a machine in trouble is no gateway in
trouble.
"""

from collections import Counter as Counts
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import UNSET

from cloud_functions.core.lanes import mark_of
from cloud_functions.core.ports import Span, Table
from cloud_functions.core.rows import (
    OPEN_ALERTS,
    SHARDS,
    Alert,
    AnyRow,
    Counter,
    GatewayRow,
    WatermarkRow,
)
from cloud_functions.core.views import AlertsView, AlertView, FleetView, GatewayView, LaneView, Status
from cloud_functions.core.watermark import missing_count, stored_count
from contract.codec import decode_event
from contract.errors import ContractError
from contract.events import Health

DEFAULT_INTERVAL_MS: Final = 60_000
"""Of a gateway whose Health has not come yet."""
_MISSED_INTERVALS: Final = 3
_ALERTS_PER_SHARD: Final = 200
_Gateway = tuple[GatewayRow | None, list[WatermarkRow]]


def is_alive(row: AnyRow, now_ms: int) -> bool:
    """Whether a row may be shown: the table deletes expired ones up to days late (DynamoDB guide, TTL)."""
    return row.expires_at is UNSET or row.expires_at * 1000 > now_ms


def health_of(row: GatewayRow | None) -> Health | None:
    """The Health in a row, if this version understands it."""
    try:
        event = decode_event(row.body.encode()) if row else None
    except ContractError:
        return None
    return event if isinstance(event, Health) else None


def fleet(table: Table, *, now_ms: int) -> FleetView:
    """Every gateway that ever stored anything, by name."""
    rows = [row for shard in range(SHARDS) for row in table.query(Span(f"F#{shard}"))]
    quarantined = {row.gateway_id: row.count for row in rows if isinstance(row, Counter)}
    open_alerts = Counts(row.gateway_id for row in _open_alerts(table) if is_alive(row, now_ms))
    views = [
        _gateway(
            name,
            gateway,
            now_ms=now_ms,
            open_alerts=open_alerts[name],
            quarantined=quarantined.get(name, 0),
        )
        for name, gateway in sorted(_by_gateway(rows).items())
    ]
    return FleetView(generated_ms=now_ms, quarantined=sum(quarantined.values()), gateways=views)


def alerts(table: Table, *, only_open: bool, now_ms: int) -> AlertsView:
    """Open alerts, or the latest of all."""
    rows = _open_alerts(table) if only_open else _latest_alerts(table)
    views = [_alert(row) for row in rows if is_alive(row, now_ms)]
    return AlertsView(alerts=sorted(views, key=lambda view: (-view.opened_ms, view.alert_id)))


def _open_alerts(table: Table) -> list[Alert]:
    spans = [Span(f"A#{shard}", index_name=OPEN_ALERTS) for shard in range(SHARDS)]
    return [row for span in spans for row in table.query(span) if isinstance(row, Alert)]


def _latest_alerts(table: Table) -> list[Alert]:
    spans = [Span(f"A#{shard}", newest_first=True, limit=_ALERTS_PER_SHARD) for shard in range(SHARDS)]
    return [row for span in spans for row in table.query(span) if isinstance(row, Alert)]


def _alert(row: Alert) -> AlertView:
    fields = {name: value for name, value in msgspec.structs.asdict(row).items() if value is not UNSET}
    return msgspec.convert({"closed_ms": None, "notified_ms": None, **fields}, AlertView)


def _by_gateway(rows: Iterable[AnyRow]) -> dict[str, _Gateway]:
    found: dict[str, _Gateway] = {}
    for row in rows:
        if isinstance(row, GatewayRow):
            found[row.gateway_id] = (row, found.get(row.gateway_id, (None, []))[1])
        elif isinstance(row, WatermarkRow):
            found.setdefault(row.gateway_id, (None, []))[1].append(row)
    return found


def _gateway(name: str, gateway: _Gateway, *, now_ms: int, open_alerts: int, quarantined: int) -> GatewayView:
    row, marks = gateway
    health = health_of(row)
    seen_ms = max([mark.last_seen_ms for mark in marks] + ([row.broker_ms] if row else []))
    interval_ms = health.interval_ms if health else DEFAULT_INTERVAL_MS
    online = now_ms - seen_ms <= _MISSED_INTERVALS * interval_ms
    return GatewayView(
        gateway_id=name,
        last_seen_ms=seen_ms,
        online=online,
        status=_status(health) if online else "offline",
        open_alerts=open_alerts,
        version=health.version if health else "",
        quarantined=quarantined,
        sensors=health.sensors if health else {},
        lanes=_lanes(marks),
    )


def _status(health: Health | None) -> Status:
    states = {sensor.state for sensor in health.sensors.values()} if health else {"calibrating"}
    if "failed" in states:
        return "degraded"
    return "calibrating" if "calibrating" in states else "ok"


def _lanes(marks: Iterable[WatermarkRow]) -> dict[str, LaneView]:
    stored, holes = Counts[str](), Counts[str]()
    for row in marks:
        stored[row.lane] += stored_count(mark_of(row))
        holes[row.lane] += missing_count(mark_of(row))
    return {lane: LaneView(stored=stored[lane], missing=holes[lane]) for lane in sorted(stored)}
