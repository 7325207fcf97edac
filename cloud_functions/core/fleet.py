"""The fleet at a glance, and its alerts.

A gateway is online while it was heard of within three of its Health intervals. ``degraded`` means a sensor
cannot be read, or the gateway itself says what it cannot do; open alerts are counted beside the status, because
a machine in trouble is no gateway in trouble.
"""

from collections import Counter as Counts
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import UNSET

from cloud_functions.core import software
from cloud_functions.core.devices import PlaceRow
from cloud_functions.core.gaps import lanes
from cloud_functions.core.keys import OPEN_ALERTS, SHARDS
from cloud_functions.core.people import Alert
from cloud_functions.core.places import place_in
from cloud_functions.core.ports import AnyRow, Span, Table
from cloud_functions.core.rows import Counter, GatewayRow, SoftwareRow, WatermarkRow
from cloud_functions.core.shape import health_of
from cloud_functions.core.views import AlertsView, AlertView, FleetView, GatewayView, Status
from contract.health import Health

DEFAULT_INTERVAL_MS: Final = 60_000
"""Of a gateway whose Health has not come yet."""
MISSED_INTERVALS: Final = 3
_ALERTS_PER_SHARD: Final = 200


def is_alive(row: AnyRow, now_ms: int) -> bool:
    """Whether a row may be shown: the table deletes expired ones up to days late (DynamoDB guide, TTL)."""
    return row.expires_at is UNSET or row.expires_at * 1000 > now_ms


def fleet(table: Table, *, now_ms: int) -> FleetView:
    """Every gateway that ever stored anything, by name."""
    rows = [row for shard in range(SHARDS) for row in table.query(Span(f"F#{shard}"))]
    open_alerts = Counts(row.gateway_id for row in _open_alerts(table) if is_alive(row, now_ms))
    views = [
        _gateway(name, known, now_ms=now_ms, open_alerts=open_alerts[name])
        for name, known in sorted(_by_gateway(rows).items())
    ]
    return FleetView(generated_ms=now_ms, quarantined=_quarantined(rows), gateways=views)


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


def _by_gateway(rows: Iterable[AnyRow]) -> dict[str, list[AnyRow]]:
    found: dict[str, list[AnyRow]] = {}
    for row in rows:
        if isinstance(row, GatewayRow | WatermarkRow | SoftwareRow | Counter | PlaceRow):
            found.setdefault(row.gateway_id, []).append(row)
    return {
        name: known for name, known in found.items() if not all(isinstance(row, Counter | PlaceRow) for row in known)
    }


def _gateway(name: str, known: list[AnyRow], *, now_ms: int, open_alerts: int) -> GatewayView:
    row = next((row for row in known if isinstance(row, GatewayRow)), None)
    runs = next((row for row in known if isinstance(row, SoftwareRow)), None)
    marks = [mark for mark in known if isinstance(mark, WatermarkRow)]
    health, place = health_of(row), place_in(known)
    seen_ms = max([mark.last_seen_ms for mark in marks] + [one.broker_ms for one in (row, runs) if one])
    interval_ms = health.interval_ms if health else DEFAULT_INTERVAL_MS
    online = now_ms - seen_ms <= MISSED_INTERVALS * interval_ms
    return GatewayView(
        gateway_id=name,
        last_seen_ms=seen_ms,
        online=online,
        status="retired" if place and place.retired_ms else _status(health) if online else "offline",
        open_alerts=open_alerts,
        version=health.version if health else "",
        degraded=health.degraded if health else [],
        quarantined=_quarantined(known),
        sensors=health.sensors if health else {},
        lanes=lanes(known, now_ms=now_ms),
        software=software.view(runs),
        replaces=place.replaces if place else "",
        replaced_by=place.replaced_by if place else "",
    )


def _quarantined(rows: Iterable[AnyRow]) -> int:
    return sum(row.count for row in rows if isinstance(row, Counter) and row.of_lane is UNSET)


def _status(health: Health | None) -> Status:
    states = {sensor.state for sensor in health.sensors.values()} if health else {"calibrating"}
    if "failed" in states or (health and health.degraded):
        return "degraded"
    return "calibrating" if "calibrating" in states else "ok"
