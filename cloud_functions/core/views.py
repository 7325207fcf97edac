"""What the query API answers with: the page's contract. An absent field has its contract's default.

Not here: how the answers are made (``fleet``, ``detail``), routes and errors (``api``).
"""

from typing import Literal

import msgspec

from cloud_functions.core.rows import AlertState
from contract.events import Context, Episode, Health, SensorHealth, Summary

Status = Literal["ok", "calibrating", "degraded", "offline"]


class LaneView(msgspec.Struct, frozen=True, kw_only=True):
    """One lane over all spools: sequence numbers settled, and holes below the highest."""

    stored: int
    missing: int


class GatewayView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the fleet."""

    gateway_id: str
    last_seen_ms: int
    online: bool
    status: Status
    open_alerts: int
    version: str
    quarantined: int
    sensors: dict[str, SensorHealth]
    lanes: dict[str, LaneView]


class FleetView(msgspec.Struct, frozen=True, kw_only=True):
    """All gateways; ``quarantined`` counts everything that ever went to quarantine."""

    generated_ms: int
    quarantined: int
    gateways: list[GatewayView]


class DetailView(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway over the last minutes. ``truncated`` counts the oldest summaries left out."""

    gateway_id: str
    from_ms: int
    to_ms: int
    health: Health | None
    summaries: list[Summary]
    episodes: list[Episode]
    truncated: int = 0


class ContextView(msgspec.Struct, frozen=True, kw_only=True):
    """Raw readings around one episode's onset."""

    episode_id: str
    parts: list[Context]


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """One alert; ``notified_ms`` is null until it was told."""

    alert_id: str
    gateway_id: str
    sensor: str
    episode_id: str
    state: AlertState
    opened_ms: int
    closed_ms: int | None
    severity: str
    top_channel: str
    reason: str
    peak_score: float
    notified_ms: int | None


class AlertsView(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts, newest first."""

    alerts: list[AlertView]


class ErrorView(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no answer, and what to try."""

    error: str
    remedy: str


AnyView = FleetView | DetailView | ContextView | AlertsView | ErrorView
