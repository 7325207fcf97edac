"""What happened: a sensor that deviates, drifts or is judged otherwise by a candidate, and events that were given up.

Rules for every kind of event: fields are only ever added, with a default; a type never changes; unknown fields are
ignored. A measurement that does not exist is ``None`` or absent, never a plausible number.

Times: ``wall_ms`` is Unix time in milliseconds by the gateway's own clock (which may be wrong),
``monotonic_ms`` is milliseconds since that boot (which orders events whatever the clock does).

Not here: readings (``contract.readings``), a gateway's state (``contract.health``), the list of all kinds
(``contract.kinds``), sequence numbers and identity (``contract.envelope``).
"""

from typing import Literal

import msgspec

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
