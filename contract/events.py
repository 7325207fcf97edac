"""The events that travel.

Rules kept here: fields are only ever added, with a default; a type never changes; unknown fields are ignored.
A measurement that does not exist is ``None`` or absent, never a plausible number.

Times: ``wall_ms`` is Unix time in milliseconds by the gateway's own clock (which may be wrong),
``monotonic_ms`` is milliseconds since that boot (which orders events whatever the clock does).

Not here: sequence numbers and identity. They belong to the envelope (see ``contract.envelope``).
"""

from typing import Literal

import msgspec

from contract.traces import Trace

Lane = Literal["events", "summaries", "context"]
"""One ordered stream of a gateway. ``events`` (episodes, health) travels first, ``context`` last."""

LANES: tuple[Lane, ...] = ("events", "summaries", "context")

Phase = Literal["opened", "updated", "closed"]

SensorState = Literal["calibrating", "armed", "failed"]

Aspect = Literal["level", "spread", "score"]
"""What of a sensor drifted: a channel's level, how much it varies, or the filter's own score while all is quiet."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What every event carries.

    Attributes:
        wall_ms: When it happened, Unix milliseconds by the gateway's clock.
        monotonic_ms: When it happened, milliseconds since boot.
    """

    wall_ms: int
    monotonic_ms: int


class Episode(Event, frozen=True, kw_only=True, omit_defaults=True, tag="episode"):
    """A stretch of time in which one sensor behaved unlike its calibration, or an operator's rule held.

    Attributes:
        episode_id: Same in every phase of one episode (see ``contract.identifiers``).
        sensor: Name of the sensor.
        phase: ``opened`` once, ``updated`` any number of times, ``closed`` once.
        onset_wall_ms: When the deviation began.
        duration_ms: From onset to this event, by the monotonic clock.
        score: Highest channel score now; 1.0 is the alarm threshold.
        peak_score: Highest score of the episode so far.
        peak_wall_ms: When that was.
        top_channel: The channel that contributed most at the peak.
        contributions: Share of each contributing channel at the peak, 0 to 1, the largest few.
        reason: One plain sentence for a person.
        model: Name, version and short hash of the model that scored.
        quality: ``good``, or ``gaps`` where readings were missing inside the episode.
        raised: How many times its usual threshold the top channel's was, by feedback; scores are relative to it.
        rule: The operator's rule that opened it; empty for the model's. A rule's score is 1 while it is open.
        severity: As the rule says; empty where the score decides.
    """

    episode_id: str
    sensor: str
    phase: Phase
    onset_wall_ms: int
    duration_ms: int
    score: float
    peak_score: float
    peak_wall_ms: int
    top_channel: str
    contributions: dict[str, float]
    reason: str
    model: str = ""
    quality: str = "good"
    raised: float = 1.0
    rule: str = ""
    severity: str = ""


class ChannelSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel over one summary window. Statistics are ``None`` where every reading was a gap.

    Attributes:
        unit: Of the statistics.
        count: Readings.
        gaps: Readings that are missing.
        mean: Of the readings.
        min: Lowest reading.
        max: Highest reading.
        std: Spread of the readings, the population's.
        flags: Why readings are missing, as far as cleaning took them out: by ``below_range``, ``above_range``,
            ``not_finite``, ``step``, ``spike``, ``stuck``, how many. The other gaps were never read.
    """

    unit: str
    count: int
    gaps: int = 0
    mean: float | None = None
    min: float | None = None
    max: float | None = None
    std: float | None = None
    flags: dict[str, int] = {}


class Summary(Event, frozen=True, kw_only=True, omit_defaults=True, tag="summary"):
    """All channels of one sensor over one tumbling window; ``wall_ms`` is the window's end.

    Attributes:
        sensor: Name of the sensor.
        start_wall_ms: The window's start.
        scans: Readings of the whole sensor taken in the window.
        windows: Model windows scored in it.
        max_score: Highest score in it, ``None`` while calibrating.
        state: Of the sensor's filter at the window's end.
        channels: By channel name.
    """

    sensor: str
    start_wall_ms: int
    scans: int
    state: SensorState
    channels: dict[str, ChannelSummary]
    windows: int = 0
    max_score: float | None = None


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
    spool_pending: dict[str, int] = {}
    spool_bytes: dict[str, int] = {}
    spool_fill: float | None = None
    spool_hours_left: float | None = None
    degraded: list[str] = []
    counters: dict[str, int] = {}
    feedback_version: int | None = None


class Context(Event, frozen=True, kw_only=True, omit_defaults=True, tag="context"):
    """Raw scans around an episode's onset, or of a stretch of time; ``wall_ms`` is the first scan's time.

    What is too long for one event is cut by time, and what is too wide by channel too; each part stands for itself.

    Attributes:
        episode_id: The episode they belong to; empty where everything is kept.
        sensor: Name of the sensor.
        scans: How many.
        span_ms: From the first to the last, by the monotonic clock.
        times: Each scan's time after ``wall_ms``, in milliseconds by the monotonic clock.
        traces: By channel name; each holds as many readings as there are scans.
        part: Which part this is, from 1.
        parts: How many parts there are.
    """

    episode_id: str
    sensor: str
    scans: int
    traces: dict[str, Trace]
    times: Trace = Trace(unit="ms", resolution=1.0)
    span_ms: int = 0
    part: int = 1
    parts: int = 1


class Reported(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel's readings that were worth reporting.

    Attributes:
        mode: How the readings between are known, see ``Report``.
        width: How far they may be from that: in the unit, or in percent of the reading before.
        readings: How many were reported.
        times: Of each, in milliseconds after the report's ``wall_ms`` by the monotonic clock; never falling.
        values: Of each; a gap is the beginning of a stretch without readings.
    """

    mode: Literal["absolute", "percent", "swinging_door"]
    width: float
    readings: int
    times: Trace
    values: Trace


class Report(Event, frozen=True, kw_only=True, omit_defaults=True, tag="report"):
    """Readings by exception: those without which the others could not be known closely enough.

    Between two of them every reading was within ``width`` of the former (``absolute``, ``percent``), or of the
    straight line between the two (``swinging_door``); never less than half the resolution. ``wall_ms`` is the
    first one's time.

    Attributes:
        sensor: Name of the sensor.
        channels: By channel name.
    """

    sensor: str
    channels: dict[str, Reported]


class Loss(Event, frozen=True, kw_only=True, omit_defaults=True, tag="loss"):
    """Events that the gateway gave up: told as an event, one for each lane and reason in a while.

    Attributes:
        of_lane: The lane they were in; this event itself travels in ``events``.
        reason: Why, in a word or two: ``quota``, ``age``, ``too large``, ``refused``, ``corrupt``, ``disk``, ``shed``.
        count: How many; ``None`` where a damaged file cannot tell.
        size_bytes: Their JSON, as far as known.
        first_seq: Lowest sequence among them; ``None`` where they never had one.
        last_seq: Highest; not everything between the two need be lost.
        spool_id: Of the spool that counted the sequences.
    """

    of_lane: Lane
    reason: str
    count: int | None = None
    size_bytes: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    spool_id: str = ""


class Drift(Event, frozen=True, kw_only=True, omit_defaults=True, tag="drift"):
    """A change that lasts and is no episode: what the filter was calibrated to is no longer so.

    Attributes:
        sensor: Name of the sensor.
        phase: ``began`` when the change has lasted long enough, ``ended`` when it is back.
        of: What changed.
        channel: Whose level or spread; empty for the score.
        before: What it was: mean or spread in the channel's unit, or the mean score.
        now: What it is.
        steps: How far, in the smallest changes worth telling; negative downwards.
        windows: How many windows of scans were needed to be sure.
        reason: One plain sentence for a person.
    """

    sensor: str
    phase: Literal["began", "ended"]
    of: Aspect
    before: float
    now: float
    steps: float
    windows: int
    reason: str
    channel: str = ""


class Disagreement(Event, frozen=True, kw_only=True, omit_defaults=True, tag="disagreement"):
    """A stretch of time in which a candidate and the active filter said different things.

    Attributes:
        sensor: Name of the sensor.
        only: Which of the two alone had an episode open; the candidate's are told nowhere else.
        start_wall_ms: When the stretch began.
        duration_ms: How long it has lasted, by the monotonic clock.
        ended: False where it is told because it has lasted long, and goes on.
        active_score: The active filter's highest score in it; 1.0 is the alarm threshold.
        candidate_score: The candidate's.
        top_channel: The channel that the one with the episode scored highest.
        model: Label of the active model.
        candidate: Label of the candidate's.
    """

    sensor: str
    only: Literal["active", "candidate"]
    start_wall_ms: int
    duration_ms: int
    ended: bool
    active_score: float
    candidate_score: float
    top_channel: str
    model: str
    candidate: str


AnyEvent = Episode | Summary | Health | Context | Loss | Drift | Disagreement | Report


def lane_of(event: AnyEvent) -> Lane:
    """The lane an event travels in."""
    if isinstance(event, Summary | Report):
        return "summaries"
    if isinstance(event, Context):
        return "context"
    return "events"
