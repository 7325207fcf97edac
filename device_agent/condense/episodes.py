"""Verdicts to episodes: one event when a sensor begins to deviate, few while it does, one when it is normal again.

    quiet ──(score ≥ 1 for five scans)──▶ open ──(score < 0.8 for ten scans)──▶ quiet

For sensors faster than one scan a second it is five and ten seconds. Two thresholds and two delays, so a score that
trembles about one of them gives one episode and not twenty (hysteresis, least duration, cool-down). Durations are by
the boot's clock: setting the wall clock neither ends nor lengthens anything.
What was said last is noted first, so a restart goes on with an open episode (``notes``).
Not here: the score (``device_agent.filters``), the raw readings around the onset (``context``).
"""

import logging
import math
from collections import deque
from typing import Final, NamedTuple

import msgspec

from contract.events import Episode, Phase
from contract.identifiers import episode_id
from device_agent.condense.moment import NS_PER_MS, Moment
from device_agent.condense.notes import EpisodeNotes, Note
from device_agent.filters.distance import scans_for
from device_agent.filters.gate import Verdict
from device_agent.filters.signature import CLIP_SIGMA, WINDOW_SCANS
from device_agent.identity import Identity

logger = logging.getLogger(__name__)

OPEN_AT: Final = 1.0
OPEN_AFTER_SCANS: Final = 5
"""Or seconds, for sensors faster than one a second: starting a program is no fault."""

OPEN_AFTER_VERDICTS: Final = 2
CLOSE_BELOW: Final = 0.8
CLOSE_AFTER_SCANS: Final = 10
"""Likewise. A relapse within this cool-down is the same episode."""

ONSET_AT: Final = 0.5
"""The deviation began where the score last rose through this, but at most one window before the alarm."""

STAYED_SHARE: Final = 0.5
"""An episode that ends because the centre went at least this share of the peak's deviation ends at a new level."""

NEARLY_CLIPPED: Final = 0.95
"""A level so near the clip may stand for any distance beyond it."""

UPDATE_GROWTH: Final = 1.25
UPDATE_AFTER_SCANS: Final = WINDOW_SCANS // 2
MAX_UPDATES: Final = 32
CONTRIBUTORS: Final = 3
_SHORTEST_TOLD_MS: Final = 1000


class Source(NamedTuple):
    """Whose episodes these are.

    Attributes:
        identity: Gateway and boot.
        sensor: Its name.
        channels: Names of its channels.
        model: Label of the model that scores.
    """

    identity: Identity
    sensor: str
    channels: tuple[str, ...]
    model: str


class _Peak(NamedTuple):
    score: float
    at: Moment
    top: str
    sigma: float
    moved: float
    contributions: dict[str, float]


class Timing(NamedTuple):
    """How a sensor's verdicts follow each other.

    Attributes:
        rate_hz: Scans per second.
        hop_scans: Scans between verdicts.
    """

    rate_hz: float
    hop_scans: int

    def scans(self, slow: int) -> int:
        """So many scans, or seconds where scans are faster than one a second."""
        return round(scans_for(slow, self.rate_hz))


class _Open:
    """The open episode: what it was so far, and what was last said about it."""

    def __init__(self, episode: str, onset: Moment, peak: _Peak) -> None:
        self.id, self.onset, self.peak = episode, onset, peak
        self.calm_scans = self.scans_since_report = self.updates = 0
        self.reported_score = 0.0
        self.reported_ms = 0
        self.gaps = False


class EpisodeTracker:
    """One sensor's episodes; at most one is open.

    Attributes:
        capped: Updates not sent, because an episode already had ``MAX_UPDATES``.
        unnoted: Notes that could not be written; a crash now could leave the episode open in the cloud.
    """

    def __init__(self, source: Source, notes: EpisodeNotes, timing: Timing) -> None:
        self._source, self._notes, self._hop = source, notes, timing.hop_scans
        self._needed = max(OPEN_AFTER_VERDICTS, -(-timing.scans(OPEN_AFTER_SCANS) // self._hop))
        self._calm = timing.scans(CLOSE_AFTER_SCANS)
        self._rise: deque[Moment] = deque(maxlen=self._needed + WINDOW_SCANS // self._hop)
        self._over = 0
        self._highest: _Peak | None = None
        self._open: _Open | None = None
        self.capped = self.unnoted = 0

    @property
    def open_id(self) -> str | None:
        """Of the open episode, if one is."""
        return self._open.id if self._open else None

    def resume(self, now: Moment) -> Episode | None:
        """Goes on where the last process ended, and says its last word again; call it before the first step."""
        note = self._notes.load()
        if note is None:
            return None
        if note.said.phase == "closed":
            return msgspec.structs.replace(note.said, monotonic_ms=now.monotonic_ms)
        self._open = episode = _reopened(note, now, same_boot=note.boot_id == self._source.identity.boot_id)
        return self._report(episode, "updated", now, note.said.score)

    def settle(self) -> None:
        """Everything said was accepted: an episode that is closed needs no note any more."""
        if self._open is None:
            try:
                self._notes.clear()
            except OSError as exc:
                logger.warning("episode.note_kept", extra={"reason": str(exc)})

    def step(self, now: Moment, verdict: Verdict) -> Episode | None:
        """Takes the verdict on the window that ends now; returns what there is to say."""
        if self._open is None:
            return self._quiet_step(now, verdict)
        return self._open_step(self._open, now, verdict)

    def _quiet_step(self, now: Moment, verdict: Verdict) -> Episode | None:
        if verdict.score < ONSET_AT:
            self._rise.clear()
            self._highest, self._over = None, 0
            return None
        self._rise.append(now)
        highest, onset = self._highest, self._rise[0]
        if highest is None or verdict.score > highest.score or highest.at.ms_since(onset) < 0:
            highest = self._highest = self._peak(now, verdict)
        self._over = self._over + 1 if verdict.score >= OPEN_AT else 0
        if self._over < self._needed:
            return None
        identity = self._source.identity
        name = episode_id(identity.gateway_id, identity.boot_id, self._source.sensor, onset.monotonic_ms)
        self._open = _Open(name, onset, highest)
        self._open.gaps = verdict.gaps
        return self._report(self._open, "opened", now, verdict.score)

    def _open_step(self, episode: _Open, now: Moment, verdict: Verdict) -> Episode | None:
        if verdict.score > episode.peak.score:
            episode.peak = self._peak(now, verdict)
        episode.gaps = episode.gaps or verdict.gaps
        episode.calm_scans = episode.calm_scans + self._hop if verdict.score < CLOSE_BELOW else 0
        episode.scans_since_report += self._hop
        if episode.calm_scans >= self._calm:
            self._open, self._over, self._highest = None, 0, None
            self._rise.clear()
            return self._report(episode, "closed", now, verdict.score, stays=self._stays(episode.peak, verdict))
        if not _worth_an_update(episode, now):
            return None
        if episode.updates >= MAX_UPDATES:
            self.capped += 1
            episode.scans_since_report = 0
            return None
        episode.updates += 1
        return self._report(episode, "updated", now, verdict.score)

    def _peak(self, now: Moment, verdict: Verdict) -> _Peak:
        names, scores = self._source.channels, verdict.channel_score
        order = scores.argsort(kind="stable")[::-1][:CONTRIBUTORS]
        total = float(scores.sum()) or 1.0
        shares = {names[i]: round(float(scores[i]) / total, 3) for i in order if scores[i] > 0}
        top = int(scores.argmax())
        return _Peak(verdict.score, now, names[top], float(verdict.deviation[top]), float(verdict.moved[top]), shares)

    def _stays(self, peak: _Peak, verdict: Verdict) -> bool:
        """Whether the deviation is over because the centre went to it, and not because the channel came back."""
        went = float(verdict.moved[self._source.channels.index(peak.top)]) - peak.moved
        return went * math.copysign(1, peak.sigma) >= STAYED_SHARE * abs(peak.sigma)

    def _report(self, episode: _Open, phase: Phase, now: Moment, score: float, *, stays: bool = False) -> Episode:
        duration, peak = now.ms_since(episode.onset), episode.peak
        episode.scans_since_report, episode.reported_score, episode.reported_ms = 0, peak.score, duration
        event = Episode(
            wall_ms=now.wall_ms,
            monotonic_ms=now.monotonic_ms,
            episode_id=episode.id,
            sensor=self._source.sensor,
            phase=phase,
            onset_wall_ms=episode.onset.wall_ms,
            duration_ms=duration,
            score=round(score, 3),
            peak_score=round(peak.score, 3),
            peak_wall_ms=peak.at.wall_ms,
            top_channel=peak.top,
            contributions=peak.contributions,
            reason=_reason(peak, duration, stays=stays),
            model=self._source.model,
            quality="gaps" if episode.gaps else "good",
        )
        self._note(episode, event)
        return event

    def _note(self, episode: _Open, event: Episode) -> None:
        note = Note(
            said=event,
            boot_id=self._source.identity.boot_id,
            onset_monotonic_ns=episode.onset.monotonic_ns,
            sigma=episode.peak.sigma,
        )
        try:
            self._notes.save(note)
        except OSError as exc:
            self.unnoted += 1
            logger.warning("episode.unnoted", extra={"episode_id": episode.id, "reason": str(exc)})


def _reopened(note: Note, now: Moment, *, same_boot: bool) -> _Open:
    """The episode of a note; under another boot its beginning is placed by the wall clock, the only one left."""
    said = note.said
    by_wall = now.monotonic_ns - max(0, now.wall_ms - said.onset_wall_ms) * NS_PER_MS
    onset = Moment(said.onset_wall_ms, note.onset_monotonic_ns if same_boot else by_wall)
    peak_at = now._replace(wall_ms=said.peak_wall_ms)
    peak = _Peak(said.peak_score, peak_at, said.top_channel, note.sigma, math.nan, said.contributions)
    episode = _Open(said.episode_id, onset, peak)
    episode.gaps = said.quality == "gaps"
    return episode


def _worth_an_update(episode: _Open, now: Moment) -> bool:
    """The peak has grown clearly, or the episode lasts twice as long as last said.

    Neither while it calms down, nor in quick succession.
    """
    if episode.calm_scans or episode.scans_since_report < UPDATE_AFTER_SCANS:
        return False
    grown = episode.peak.score >= UPDATE_GROWTH * episode.reported_score
    return grown or now.ms_since(episode.onset) >= 2 * episode.reported_ms


def _reason(peak: _Peak, duration_ms: int, *, stays: bool) -> str:
    side = "above" if peak.sigma >= 0 else "below"
    clipped = abs(peak.sigma) >= NEARLY_CLIPPED * CLIP_SIGMA
    distance = f"{'more than ' if clipped else ''}{abs(peak.sigma):.1f} σ"  # noqa: RUF001 - the Greek letter is meant
    lasted = f"{duration_ms / 1000:.0f} s" if duration_ms >= _SHORTEST_TOLD_MS else "less than 1 s"
    end = ", and stays there: now its level" if stays else ""
    return f"{peak.top} {distance} {side} its level for {lasted}{end}"
