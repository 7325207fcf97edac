"""What a filter makes of one sensor's scans: verdicts, and what follows from them.

    scan ─┬▶ gate ─▶ verdict ─▶ raised thresholds ─▶ episode
          ├▶ watch for drift
          └▶ candidate, if one is tried

Not here: what is kept of every scan whatever a filter says (``device_agent.pipeline``).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from contract.events import Episode, SensorState
from contract.health import ShadowHealth
from contract.kinds import AnyEvent
from device_agent.condense.episodes import EpisodeTracker, Source, Timing
from device_agent.condense.grid import Array
from device_agent.condense.moment import Moment
from device_agent.condense.ring import Frozen
from device_agent.config import GatewayConfig
from device_agent.drift.watch import Seen
from device_agent.feedback.store import MemoryFeedback
from device_agent.feedback.view import FeedbackView, RaisedThresholds
from device_agent.filters.gate import Verdict
from device_agent.filters.model import LevelModel
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.identity import Identity
from device_agent.sensor_filters import candidate_of, drift_watch_of, gate_of, season_of
from device_agent.sensor_memory import Memory
from device_agent.sensors.port import Channel
from device_agent.shadow import Active, Shadow


class Judged(NamedTuple):
    """Whose scans they are.

    Attributes:
        sensor: Its name.
        channels: Those that are judged.
        rate_hz: Scans per second.
        identity: Gateway and boot.
    """

    sensor: str
    channels: tuple[Channel, ...]
    rate_hz: float
    identity: Identity

    @property
    def names(self) -> tuple[str, ...]:
        """Of the channels."""
        return tuple(channel.name for channel in self.channels)


class Judging:
    """One sensor's. One thread at a time.

    Args:
        judged: Whose scans.
        config: The gateway's.
        model: Opened for as many channels.
        memory: What survives a restart.
        feedback: What people said of its episodes; by default nothing.
        candidate: A model that is tried beside, as ``config.filter.shadow`` says.

    Attributes:
        score: Of the window that ended with the latest scan; ``None`` where none was judged.
    """

    def __init__(
        self,
        judged: Judged,
        config: GatewayConfig,
        model: LevelModel,
        *,
        memory: Memory,
        feedback: FeedbackView | None = None,
        candidate: LevelModel | None = None,
    ) -> None:
        sensor, channels, rate_hz, identity = judged
        names, hop = judged.names, config.filter.hop_scans
        self._season = season_of(config.filter, names, memory.season, rate_hz)
        self._gate = gate_of(channels, rate_hz, model, memory.calibration, config=config.filter, season=self._season)
        source = Source(identity, sensor, names, model.label)
        self._episodes = EpisodeTracker(source, memory.episode, Timing(rate_hz, hop))
        view = feedback or FeedbackView(MemoryFeedback())
        self._thresholds = RaisedThresholds(view, sensor, names)
        self._shadow: Shadow | None = None
        if candidate is not None:
            tried = candidate_of(source, channels, rate_hz, candidate, config=config.filter, memory=memory.shadow)
            heed = RaisedThresholds(view, sensor, names).applied
            self._shadow = Shadow(sensor, names, tried, heed=heed, active=model.label, hop_scans=hop)
        self._drift = drift_watch_of(sensor, channels, rate_hz, patience=config.drift.patience_windows, memory=memory)
        self._next_seq: int | None = None
        self.score: float | None = None

    @property
    def state(self) -> SensorState:
        """Of the filter."""
        return self._gate.state

    @property
    def open_episode(self) -> str | None:
        """Id of the episode that is open, if one is."""
        return self._episodes.open_id

    @property
    def windows(self) -> int:
        """Windows judged."""
        return self._gate.windows

    @property
    def drifting(self) -> list[str]:
        """What has changed for longer than an episode, and is not back."""
        return self._drift.drifting if self._drift else []

    @property
    def shadow(self) -> ShadowHealth | None:
        """How the candidate did, where one is tried."""
        return self._shadow.health if self._shadow else None

    @property
    def raised(self) -> dict[str, float]:
        """By channel: how many times its usual threshold is in force by feedback, where that is not once."""
        return {channel: round(factor, 3) for channel, factor in self._thresholds.factors.items()}

    @property
    def counters(self) -> dict[str, int]:
        """What was left out, refused or could not be kept, by name."""
        return {
            "unscored_windows": self._gate.unscored,
            "unwatched_channels": self._gate.unwatched,
            "recalibrations": self._gate.recalibrations,
            "calibrations_unsaved": self._gate.unsaved,
            "seasons_unsaved": self._season.unsaved if self._season else 0,
            "episode_updates_capped": self._episodes.capped,
            "episodes_unnoted": self._episodes.unnoted,
            "drifts_untold": self._drift.untold if self._drift else 0,
            "drift_references_unsaved": self._drift.unsaved if self._drift else 0,
        }

    def push(self, at: Moment, values: Array, seq: int) -> list[AnyEvent]:
        """Takes a scan, NaN for a gap; returns the events it gives rise to, in order."""
        events = self._begin(at, seq, 1)
        verdict = self._gate.push(values, at.wall_ms)
        return events + self._follow(at, values, verdict)

    @property
    def due_in(self) -> int:
        """So many scans may be taken at once by ``push_rows``."""
        return self._gate.due_in

    def push_rows(self, scans: Frozen, seq: int) -> list[AnyEvent]:
        """Takes neighbouring scans, at most ``due_in``; returns what ``push`` would, one after the other.

        Args:
            scans: NaN for a gap.
            seq: Of the first.
        """
        count = len(scans.monotonic_ns)
        moments = [scans.first.shifted_to(at_ns) for at_ns in scans.monotonic_ns.tolist()]
        events = self._begin(moments[0], seq, count)
        before = Active(self._gate.state, None, self._episodes.open_id is not None)
        verdict = self._gate.extend(scans.values, [at.wall_ms for at in moments])
        if self._drift is not None and count > 1:
            events += self._drift.push_rows(
                scans.part(slice(0, count - 1)), Seen(before.state, not before.is_open, None)
            )
        if self._shadow is not None:
            for at, row in zip(moments[:-1], scans.values, strict=False):
                events += self._shadow.push(at, row, before)
        return events + self._follow(moments[-1], scans.values[-1], verdict)

    def finish(self) -> None:
        """Keeps what a restart goes on with; an open episode stays open. Everything returned must be accepted."""
        self._gate.keep()
        if self._shadow is not None:
            self._shadow.keep()
        self._episodes.settle()

    def _begin(self, at: Moment, seq: int, scans: int) -> list[AnyEvent]:
        """A jump of the sequence is missed deadlines; a step back is a sensor that began anew."""
        resumed = self._episodes.resume(at) if self._next_seq is None else None
        if self._next_seq is not None and seq != self._next_seq:
            missed = seq - self._next_seq if seq > self._next_seq else WINDOW_SCANS
            self._gate.skip(missed)
            if self._shadow is not None:
                self._shadow.skip(missed)
        self._next_seq = seq + scans
        return [resumed] if resumed else []

    def _follow(self, at: Moment, values: Array, verdict: Verdict | None) -> list[AnyEvent]:
        """What the latest scan's verdict, or that there is none, leads to."""
        events: list[AnyEvent] = []
        heeded = self._thresholds.applied(verdict, at.wall_ms) if verdict is not None else None
        self.score = heeded.score if heeded is not None else None
        if heeded is not None and (episode := self._episodes.step(at, heeded)):
            events.append(msgspec.structs.replace(episode, raised=self.raised.get(episode.top_channel, 1.0)))
        is_open = self._episodes.open_id is not None
        if self._drift is not None:
            events += self._drift.push(
                at, values, Seen(self._gate.state, not is_open, verdict.score if verdict else None)
            )
        if self._shadow is not None:
            events += self._shadow.push(at, values, Active(self._gate.state, heeded, is_open))
        return events


def opened_by(events: Sequence[AnyEvent]) -> Iterator[str]:
    """Ids of the episodes that these events open."""
    return (event.episode_id for event in events if isinstance(event, Episode) and event.phase == "opened")
