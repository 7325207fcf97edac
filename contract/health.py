"""How a gateway and its sensors are: one event in a while, which also says that the gateway is there."""

import msgspec

from contract.events import Event, SensorState


class ShadowHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a candidate did beside the active filter since the process started, in windows that both judged.

    Attributes:
        model: Label of the candidate's model.
        state: Of its filter.
        agreed: Both had an episode open, or neither.
        only_active: The active filter alone had one open.
        only_candidate: The candidate alone would have had one open.
        brief: Stretches of disagreement shorter than a window.
        untold: Disagreements beyond what may be told in an hour.
    """

    model: str
    state: SensorState
    agreed: int = 0
    only_active: int = 0
    only_candidate: int = 0
    brief: int = 0
    untold: int = 0


class SensorHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sensor's counters since the process started.

    Attributes:
        state: Of the filter, or ``failed`` while the sensor cannot be read.
        rate_hz: Configured rate in scans per second.
        scans: Scans taken.
        samples: Channel values taken, gaps not counted.
        windows: Model windows scored.
        gaps: Channel values that were missing, each with a reason on the device.
        late: Scans taken more than half an interval after their deadline.
        missed: Deadlines for which no scan was taken.
        shed: Scans thrown away because the pipeline could not follow.
        last_gap: Reason of the latest gap.
        drifting: What has drifted and is not back, such as ``level of temperature``.
        raised: By channel: how many times its usual threshold is in force, by feedback; channels at 1 are left out.
        shadow: How the candidate did, where one is tried.
    """

    state: SensorState
    rate_hz: float
    scans: int = 0
    samples: int = 0
    windows: int = 0
    gaps: int = 0
    late: int = 0
    missed: int = 0
    shed: int = 0
    last_gap: str | None = None
    drifting: list[str] = []
    raised: dict[str, float] = {}
    shadow: ShadowHealth | None = None


class Health(Event, frozen=True, kw_only=True, omit_defaults=True, tag="health"):
    """How the gateway itself is.

    Attributes:
        version: Of the agent.
        uptime_ms: Of the sensing process.
        interval_ms: When to expect the next one; a gateway silent for three of them is offline.
        sensors: By sensor name.
        spool_pending: Events not yet known to be stored, by lane.
        spool_bytes: Of events kept, by lane.
        spool_fill: How full the fullest lane is, 0 to 1; the cloud answers at once above a half.
        spool_hours_left: Until the first lane gives up its oldest at the present rate, if nothing were stored.
        degraded: What does not work as it should, in plain words.
        counters: Everything else that is counted, by name.
        feedback_version: Of the feedback that it heeds, 0 for none; ``None`` from an agent that knows no feedback.
    """

    version: str
    uptime_ms: int
    interval_ms: int
    sensors: dict[str, SensorHealth]
    spool_pending: dict[str, int] = msgspec.field(default_factory=dict)
    spool_bytes: dict[str, int] = msgspec.field(default_factory=dict)
    spool_fill: float | None = None
    spool_hours_left: float | None = None
    degraded: list[str] = msgspec.field(default_factory=list)
    counters: dict[str, int] = msgspec.field(default_factory=dict)
    feedback_version: int | None = None
