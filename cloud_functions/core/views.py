"""What the query API answers with: the page's contract. An absent field has its contract's default.

Not here: how the answers are made (``fleet``, ``detail``), routes and errors (``api``).
"""

from typing import Literal

import msgspec

from cloud_functions.core.people import About, AlertState
from contract.envelope import Range
from contract.events import Disagreement, Drift, Episode, Lane, Loss
from contract.feedback import Label, Threshold
from contract.health import Health, SensorHealth
from contract.readings import Context, Summary

Status = Literal["ok", "calibrating", "degraded", "offline", "retired"]


class LaneView(msgspec.Struct, frozen=True, kw_only=True):
    """One lane over all spools.

    Attributes:
        stored: Sequence numbers settled: stored, quarantined or declared.
        missing: Sequence numbers below the highest that do not come any more (``gaps``).
        coming: Those that are on their way.
        missing_since_ms: When the oldest gap stopped shrinking; null without one.
        given_up: Events the gateway gave up, by its reason.
        moved_ms: When the watermark last moved.
    """

    stored: int
    missing: int
    coming: int = 0
    missing_since_ms: int | None = None
    given_up: dict[str, int] = {}
    moved_ms: int = 0


class GapView(msgspec.Struct, frozen=True, kw_only=True):
    """Sequence numbers of one spool and lane that have not come; ``ranges`` are the lowest of them."""

    lane: Lane
    spool_id: str
    state: Literal["coming", "missing"]
    count: int
    since_ms: int
    ranges: list[Range]


class SoftwareView(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway says that it runs, by version; ``update`` is the phase of one, ``idle`` where none runs."""

    application: str
    model: str
    configuration: str
    update: str
    said_ms: int


class GatewayView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the fleet; ``replaces`` and ``replaced_by`` name gateways of the same place, empty for none."""

    gateway_id: str
    last_seen_ms: int
    online: bool
    status: Status
    open_alerts: int
    version: str
    degraded: list[str]
    quarantined: int
    sensors: dict[str, SensorHealth]
    lanes: dict[str, LaneView]
    software: SoftwareView | None = None
    replaces: str = ""
    replaced_by: str = ""


class FleetView(msgspec.Struct, frozen=True, kw_only=True):
    """All gateways; ``quarantined`` counts everything that ever went to quarantine."""

    generated_ms: int
    quarantined: int
    gateways: list[GatewayView]


class LabelView(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said of one episode."""

    episode_id: str
    label: Label
    by: str
    labelled_ms: int


class FeedbackView(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway is to heed; ``heard_version`` is what it says it does, null before it has said so."""

    version: int
    heard_version: int | None
    thresholds: list[Threshold]


class DetailView(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway over the last minutes.

    ``losses``, ``drifts`` and ``disagreements`` are told in that time, the latest few; ``labels`` are of these
    episodes; ``lanes``, ``gaps`` and ``feedback`` are as they are now; ``truncated`` counts the oldest summaries left
    out. ``continues`` names the gateways that held this place before: what they said is part of all that, as it is.
    """

    gateway_id: str
    from_ms: int
    to_ms: int
    health: Health | None
    summaries: list[Summary]
    episodes: list[Episode]
    losses: list[Loss]
    lanes: dict[str, LaneView]
    gaps: list[GapView]
    drifts: list[Drift] = []
    disagreements: list[Disagreement] = []
    labels: list[LabelView] = []
    feedback: FeedbackView | None = None
    truncated: int = 0
    continues: list[str] = []


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """One job of a gateway, as IoT Jobs has it."""

    job_id: str
    status: str
    number: int
    queued_ms: int
    updated_ms: int


class JobsView(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's latest jobs, the last first."""

    gateway_id: str
    jobs: list[JobView]


class ContextView(msgspec.Struct, frozen=True, kw_only=True):
    """Raw readings around one episode's onset."""

    episode_id: str
    parts: list[Context]


class ReportedView(msgspec.Struct, frozen=True, kw_only=True):
    """One channel's readings by exception; see ``contract.readings.Report``. A value of null begins a gap."""

    sensor: str
    channel: str
    unit: str
    mode: str
    width: float
    times_ms: list[float]
    values: list[float | None]


class ReportsView(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway reported; ``left_out`` readings were too many for an answer, or cannot be read."""

    gateway_id: str
    from_ms: int
    to_ms: int
    channels: list[ReportedView]
    left_out: int = 0


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
    about: About = "episode"


class AlertsView(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts, newest first."""

    alerts: list[AlertView]


class ErrorView(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no answer, and what to try."""

    error: str
    remedy: str


AnyView = (
    FleetView | DetailView | ContextView | ReportsView | AlertsView | LabelView | FeedbackView | JobsView | ErrorView
)
