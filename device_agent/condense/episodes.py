"""Verdicts to episodes: one event when a sensor begins to deviate, few while it does, one when it is normal again.

    quiet ──(score ≥ 1 for twelve scans)──▶ open ──(score < 0.7 for a whole window)──▶ quiet

Two thresholds and two delays, so a score that trembles about one of them gives one episode and not twenty
(hysteresis). Durations are by the boot's clock: setting the wall clock neither ends nor lengthens anything.
Not here: the score (``device_agent.filters``), the raw readings around the onset (``context``).
"""

from collections import deque
from typing import Final, NamedTuple

from contract.events import Episode, Phase
from contract.identifiers import episode_id
from device_agent.condense.moment import Moment
from device_agent.filters.gate import Verdict
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.identity import Identity

OPEN_AT: Final = 1.0
OPEN_AFTER_SCANS: Final = 12
"""With the level's own rise, a burst at the end of the clip must last some 25 scans to open an episode: starting
a program is no fault."""

OPEN_AFTER_VERDICTS: Final = 2
CLOSE_BELOW: Final = 0.7
CLOSE_AFTER_SCANS: Final = WINDOW_SCANS
"""After so many calm scans no reading of the deviation is left in the window."""

ONSET_AT: Final = 0.5
"""The deviation began where the score last rose through this, but at most one window before the opening."""

UPDATE_GROWTH: Final = 1.25
UPDATE_AFTER_SCANS: Final = WINDOW_SCANS // 2
MAX_UPDATES: Final = 32
CONTRIBUTORS: Final = 3


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
    contributions: dict[str, float]


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
    """

    def __init__(self, source: Source, *, hop_scans: int) -> None:
        self._source, self._hop = source, hop_scans
        self._rise: deque[Moment] = deque(maxlen=max(1, WINDOW_SCANS // hop_scans))
        self._needed = max(OPEN_AFTER_VERDICTS, -(-OPEN_AFTER_SCANS // hop_scans))
        self._over = 0
        self._highest: _Peak | None = None
        self._open: _Open | None = None
        self.capped = 0

    @property
    def open_id(self) -> str | None:
        """Of the open episode, if one is."""
        return self._open.id if self._open else None

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
        return self._report(self._open, "opened", now, verdict)

    def _open_step(self, episode: _Open, now: Moment, verdict: Verdict) -> Episode | None:
        if verdict.score > episode.peak.score:
            episode.peak = self._peak(now, verdict)
        episode.gaps = episode.gaps or verdict.gaps
        episode.calm_scans = episode.calm_scans + self._hop if verdict.score < CLOSE_BELOW else 0
        episode.scans_since_report += self._hop
        if episode.calm_scans >= CLOSE_AFTER_SCANS:
            self._open, self._over, self._highest = None, 0, None
            self._rise.clear()
            return self._report(episode, "closed", now, verdict)
        if not _worth_an_update(episode, now):
            return None
        if episode.updates >= MAX_UPDATES:
            self.capped += 1
            episode.scans_since_report = 0
            return None
        episode.updates += 1
        return self._report(episode, "updated", now, verdict)

    def _peak(self, now: Moment, verdict: Verdict) -> _Peak:
        names, scores = self._source.channels, verdict.channel_score
        order = scores.argsort(kind="stable")[::-1][:CONTRIBUTORS]
        total = float(scores.sum()) or 1.0
        shares = {names[i]: round(float(scores[i]) / total, 3) for i in order if scores[i] > 0}
        top = int(scores.argmax())
        return _Peak(verdict.score, now, names[top], float(verdict.deviation[top]), shares)

    def _report(self, episode: _Open, phase: Phase, now: Moment, verdict: Verdict) -> Episode:
        duration, peak = now.ms_since(episode.onset), episode.peak
        episode.scans_since_report, episode.reported_score, episode.reported_ms = 0, peak.score, duration
        return Episode(
            wall_ms=now.wall_ms,
            monotonic_ms=now.monotonic_ms,
            episode_id=episode.id,
            sensor=self._source.sensor,
            phase=phase,
            onset_wall_ms=episode.onset.wall_ms,
            duration_ms=duration,
            score=round(verdict.score, 3),
            peak_score=round(peak.score, 3),
            peak_wall_ms=peak.at.wall_ms,
            top_channel=peak.top,
            contributions=peak.contributions,
            reason=_reason(peak, duration),
            model=self._source.model,
            quality="gaps" if episode.gaps else "good",
        )


def _worth_an_update(episode: _Open, now: Moment) -> bool:
    """The peak has grown clearly, or the episode lasts twice as long as last said.

    Neither while it calms down, nor in quick succession.
    """
    if episode.calm_scans or episode.scans_since_report < UPDATE_AFTER_SCANS:
        return False
    grown = episode.peak.score >= UPDATE_GROWTH * episode.reported_score
    return grown or now.ms_since(episode.onset) >= 2 * episode.reported_ms


def _reason(peak: _Peak, duration_ms: int) -> str:
    side = "above" if peak.sigma >= 0 else "below"
    distance = f"{abs(peak.sigma):.1f} σ"  # noqa: RUF001 - the Greek letter is meant
    return f"{peak.top} {distance} {side} its level for {duration_ms / 1000:.0f} s"
