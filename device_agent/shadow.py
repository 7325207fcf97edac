"""A candidate beside the active filter: it judges the same scans, and only where both differ is there something to say.

    scan ─┬▶ active gate ─▶ episodes ─▶ events
          └▶ candidate's gate ─▶ its episodes, kept to itself ─┬▶ same? counted
                                                               └▶ other? a stretch ─▶ Disagreement

Both differ while one has an episode open and the other has none. A stretch shorter than a window is the same episode
seen a little earlier or later, and only counted. Nothing here changes what the active filter does or says; it costs a
second model and as much work for each window again.
Not here: where a candidate comes from (``device_agent.condenser``).
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from contract.events import Disagreement, SensorState
from contract.health import ShadowHealth
from device_agent.allowance import Allowance
from device_agent.condense.episodes import EpisodeTracker
from device_agent.condense.moment import Moment
from device_agent.filters.calibration import Array
from device_agent.filters.gate import LevelGate, Verdict
from device_agent.filters.signature import WINDOW_SCANS

MOST_AN_HOUR: Final = 12
"""Events of one sensor."""

TOLD_AT_THE_LATEST_MS: Final = 600_000
"""A stretch that lasts so long is told while it lasts, and once more at its end."""

_HOUR_NS: Final = 3_600_000_000_000

Heed = Callable[[Verdict, int], Verdict]
"""A verdict with thresholds as people raised them, at a wall time: the candidate would live with them too."""


class Active(NamedTuple):
    """What the active filter made of a scan.

    Attributes:
        state: Of it.
        verdict: If one was due; with raised thresholds.
        is_open: Whether an episode is open after it.
    """

    state: SensorState
    verdict: Verdict | None
    is_open: bool


class Filter(NamedTuple):
    """The candidate: its gate, the episodes it would tell, and its model's label."""

    gate: LevelGate
    episodes: EpisodeTracker
    label: str


class _Stretch:
    """Scans in which one alone had an episode open."""

    def __init__(self, only: Literal["active", "candidate"], start: Moment) -> None:
        self.only: Literal["active", "candidate"] = only
        self.start = start
        self.scans = 0
        self.told = False
        self.active_score = self.candidate_score = 0.0
        self.top: tuple[float, str] = (0.0, "")


class Shadow:
    """One sensor's candidate; one thread at a time.

    Args:
        sensor: Its name.
        channels: Names of its channels.
        candidate: What is tried.
        heed: See there.
        active: Label of the active model.
        hop_scans: Scans between two verdicts.
    """

    def __init__(
        self,
        sensor: str,
        channels: tuple[str, ...],
        candidate: Filter,
        *,
        heed: Heed,
        active: str,
        hop_scans: int,
    ) -> None:
        self._sensor, self._channels, self._candidate = sensor, channels, candidate
        self._heed, self._active, self._hop = heed, active, hop_scans
        self._allowance = Allowance(MOST_AN_HOUR, _HOUR_NS)
        self._stretch: _Stretch | None = None
        self._score = 0.0
        self._top = ""
        self._agreed = self._only_active = self._only_candidate = self._brief = 0

    @property
    def health(self) -> ShadowHealth:
        """How it did so far."""
        return ShadowHealth(
            model=self._candidate.label,
            state=self._candidate.gate.state,
            agreed=self._agreed,
            only_active=self._only_active,
            only_candidate=self._only_candidate,
            brief=self._brief,
            untold=self._allowance.refused,
        )

    def skip(self, scans: int) -> None:
        """Takes note of deadlines for which no scan was taken."""
        self._candidate.gate.skip(scans)

    def keep(self) -> None:
        """Keeps its calibration over a restart."""
        self._candidate.gate.keep()

    def push(self, at: Moment, values: Array, active: Active) -> list[Disagreement]:
        """Takes a scan and what the active filter made of it; returns what there is to say."""
        gate, episodes, _ = self._candidate
        verdict = gate.push(values, at.wall_ms)
        if verdict is not None:
            heeded = self._heed(verdict, at.wall_ms)
            episodes.step(at, heeded)
            self._score, self._top = heeded.score, self._channels[int(heeded.channel_score.argmax())]
        if active.verdict is None:
            return []
        if gate.state != "armed" or active.state != "armed":
            self._stretch = None
            return []
        return self._compare(at, active.verdict, active_open=active.is_open)

    def _compare(self, at: Moment, verdict: Verdict, *, active_open: bool) -> list[Disagreement]:
        if active_open == (self._candidate.episodes.open_id is not None):
            self._agreed += 1
            return self._end(at)
        only: Literal["active", "candidate"] = "active" if active_open else "candidate"
        self._only_active += active_open
        self._only_candidate += not active_open
        ended = self._end(at) if self._stretch is not None and self._stretch.only != only else []
        if self._stretch is None:
            self._stretch = _Stretch(only, at)
        self._note(self._stretch, verdict)
        return [*ended, *self._so_far(self._stretch, at)]

    def _note(self, stretch: _Stretch, verdict: Verdict) -> None:
        stretch.scans += self._hop
        stretch.active_score = max(stretch.active_score, verdict.score)
        stretch.candidate_score = max(stretch.candidate_score, self._score)
        by_active = verdict.score, self._channels[int(verdict.channel_score.argmax())]
        stretch.top = max(stretch.top, by_active if stretch.only == "active" else (self._score, self._top))

    def _so_far(self, stretch: _Stretch, at: Moment) -> list[Disagreement]:
        if stretch.told or at.ms_since(stretch.start) < TOLD_AT_THE_LATEST_MS:
            return []
        stretch.told = True
        return self._told(stretch, at, ended=False)

    def _end(self, at: Moment) -> list[Disagreement]:
        stretch, self._stretch = self._stretch, None
        if stretch is None:
            return []
        if stretch.scans < WINDOW_SCANS:
            self._brief += 1
            return []
        return self._told(stretch, at, ended=True)

    def _told(self, stretch: _Stretch, at: Moment, *, ended: bool) -> list[Disagreement]:
        if not self._allowance.take(at.monotonic_ns):
            return []
        return [
            Disagreement(
                wall_ms=at.wall_ms,
                monotonic_ms=at.monotonic_ms,
                sensor=self._sensor,
                only=stretch.only,
                start_wall_ms=stretch.start.wall_ms,
                duration_ms=at.ms_since(stretch.start),
                ended=ended,
                active_score=round(stretch.active_score, 3),
                candidate_score=round(stretch.candidate_score, 3),
                top_channel=stretch.top[1],
                model=self._active,
                candidate=self._candidate.label,
            )
        ]
