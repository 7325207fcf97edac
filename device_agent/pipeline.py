"""One sensor's scans to events: filter, episodes, summaries, context.

    scan ─▶ representable ─┬▶ gate ─▶ verdict ─▶ raised thresholds ─▶ episode ─▶ context
                           ├▶ summary window
                           ├▶ report by exception
                           ├▶ watch for drift
                           ├▶ candidate, if one is tried
                           └▶ ring of raw scans

No thread, no clock, no queue: the caller pushes scans and appends what comes back. Only the calibration, the
reference for drift and the open episode are kept on disk, through ports.
Not here: cleaning by range (``device_agent.cleaning``), durability of events (``spool``).
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from contract.events import SensorState
from contract.health import ShadowHealth
from contract.kinds import AnyEvent
from device_agent.condense.context import ContextRing
from device_agent.condense.episodes import EpisodeTracker, Source, Timing
from device_agent.condense.grid import Grid
from device_agent.condense.moment import Moment
from device_agent.condense.reports import Reports
from device_agent.condense.summaries import SummaryWindows
from device_agent.config import GatewayConfig
from device_agent.config.uplink import LITE_ENVELOPE_BYTES
from device_agent.drift.watch import Seen
from device_agent.feedback.store import MemoryFeedback
from device_agent.feedback.view import FeedbackView, RaisedThresholds
from device_agent.filters.gate import Verdict
from device_agent.filters.model import LevelModel
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.filters.tally import Tally
from device_agent.identity import Identity
from device_agent.sensor_filters import candidate_of, drift_watch_of, gate_of, season_of
from device_agent.sensor_memory import Memory, file_memory
from device_agent.sensors.port import Channel, Scan
from device_agent.shadow import Active, Shadow

FAILED_AFTER_NS = 5_000_000_000
"""A sensor without a single reading for this long has failed; a few gaps are only gaps."""


class SensorPipeline:
    """Everything one sensor's scans go through. One thread at a time.

    Args:
        sensor: Its name.
        channels: What it measures.
        rate_hz: Scans per second.
        config: The gateway's.
        identity: Gateway and boot.
        model: Opened for as many channels.
        memory: What survives a restart; by default files of the state folder.
        feedback: What people said of its episodes; by default nothing.
        candidate: A model that is tried beside, as ``config.filter.shadow`` says.
        tally: Counts scores and episodes, also those of the pipeline before.

    Attributes:
        raw_bytes: What the scans would have weighed as ``[wall_ms, v1, v2, …]`` in compact JSON.
    """

    def __init__(  # noqa: PLR0913 - one argument per thing a sensor needs
        self,
        sensor: str,
        channels: Sequence[Channel],
        rate_hz: float,
        config: GatewayConfig,
        identity: Identity,
        model: LevelModel,
        *,
        memory: Memory | None = None,
        feedback: FeedbackView | None = None,
        candidate: LevelModel | None = None,
        tally: Tally | None = None,
    ) -> None:
        self._tally = tally or Tally()
        names, hop = tuple(channel.name for channel in channels), config.filter.hop_scans
        kept = memory or file_memory(Path(config.state_dir), sensor)
        self._grid = Grid(channels)
        self._season = season_of(config.filter, names, kept.season, rate_hz)
        self._gate = gate_of(channels, rate_hz, model, kept.calibration, config=config.filter, season=self._season)
        source = Source(identity, sensor, names, model.label)
        self._episodes = EpisodeTracker(source, kept.episode, Timing(rate_hz, hop))
        view = feedback or FeedbackView(MemoryFeedback())
        self._thresholds = RaisedThresholds(view, sensor, names)
        self._shadow: Shadow | None = None
        if candidate is not None:
            tried = candidate_of(source, channels, rate_hz, candidate, config=config.filter, memory=kept.shadow)
            heed = RaisedThresholds(view, sensor, names).applied
            self._shadow = Shadow(sensor, names, tried, heed=heed, active=model.label, hop_scans=hop)
        self._summaries = SummaryWindows(sensor, channels, self._grid, summary_s=config.summary_s)
        envelope_bytes = config.uplink.envelope_bytes() if config.uplink else LITE_ENVELOPE_BYTES
        self._context = ContextRing(
            sensor, channels, self._grid, span=config.context, rate_hz=rate_hz, envelope_bytes=envelope_bytes
        )
        self._reports = Reports(sensor, channels, rate_hz)
        self._drift = drift_watch_of(sensor, channels, rate_hz, patience=config.drift.patience_windows, memory=kept)
        self._last_seq: int | None = None
        self._silent_since_ns: int | None = None
        self._silent_ns = 0
        self._unrepresentable = 0
        self.raw_bytes = 0

    @property
    def state(self) -> SensorState:
        """Of the filter, or ``failed`` where no channel has had a reading for a while."""
        return "failed" if self._silent_ns >= FAILED_AFTER_NS else self._gate.state

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
        """What was left out, refused, shortened or could not be kept, by name."""
        return {
            "unrepresentable": self._unrepresentable,
            "unscored_windows": self._gate.unscored,
            "unwatched_channels": self._gate.unwatched,
            "recalibrations": self._gate.recalibrations,
            "calibrations_unsaved": self._gate.unsaved,
            "seasons_unsaved": self._season.unsaved if self._season else 0,
            "episode_updates_capped": self._episodes.capped,
            "episodes_unnoted": self._episodes.unnoted,
            "contexts_shortened": self._context.shortened,
            "contexts_refused": self._context.refused,
            "context_channels_dropped": self._context.dropped,
            "drifts_untold": self._drift.untold if self._drift else 0,
            "drift_references_unsaved": self._drift.unsaved if self._drift else 0,
        }

    def push(self, scan: Scan) -> list[AnyEvent]:
        """Takes a scan; returns the events it gives rise to, in order."""
        at = Moment(scan.wall_ms, scan.monotonic_ns)
        values, lost = self._grid.representable(scan.values)
        self._unrepresentable += lost
        self.raw_bytes += self._grid.raw_bytes(scan.wall_ms, values)
        self._note_silence(at, silent=bool(np.isnan(values[0]) and np.isnan(values).all()))
        events: list[AnyEvent] = []
        if self._summaries.due(at.monotonic_ns):
            events += self._summaries.close(self.state)
        self._summaries.add(at, values, scan.gaps)
        events += self._reports.push(at, values)
        events += self._context.push(at, values)
        if self._last_seq is None and (resumed := self._episodes.resume(at)):
            events.append(resumed)
        self._skip_missed(scan.seq)
        verdict = self._gate.push(values, scan.wall_ms)
        heeded = self._thresholds.applied(verdict, at.wall_ms) if verdict is not None else None
        if heeded is not None:
            events += self._judge(at, heeded)
        is_open = self._episodes.open_id is not None
        if self._drift is not None:
            seen = Seen(self._gate.state, not is_open, verdict.score if verdict else None)
            events += self._drift.push(at, values, seen)
        if self._shadow is not None:
            events += self._shadow.push(at, values, Active(self._gate.state, heeded, is_open))
        return events

    def finish(self, wall_ms: int, monotonic_ns: int) -> list[AnyEvent]:
        """Ends the work: waiting contexts and the running summary come out; an open episode stays open.

        Call it when everything that ``push`` returned has been accepted.
        """
        self._gate.keep()
        if self._shadow is not None:
            self._shadow.keep()
        self._episodes.settle()
        now = Moment(wall_ms, monotonic_ns)
        return [
            *self._context.finish(),
            *self._reports.finish(),
            *self._summaries.close(self.state, not_after_ns=now.monotonic_ns),
        ]

    def _judge(self, at: Moment, verdict: Verdict) -> list[AnyEvent]:
        self._summaries.note(verdict.score)
        self._tally.note(verdict.score)
        episode = self._episodes.step(at, verdict)
        if episode is None:
            return []
        episode = msgspec.structs.replace(episode, raised=self.raised.get(episode.top_channel, 1.0))
        if episode.phase != "opened":
            return [episode]
        self._tally.note_opened()
        return [episode, *self._context.open(episode.episode_id)]

    def _skip_missed(self, seq: int) -> None:
        """A jump of the sequence is missed deadlines; a step back is a sensor that began anew."""
        if self._last_seq is not None:
            jump = seq - self._last_seq - 1
            missed = jump if jump >= 0 else WINDOW_SCANS
            self._gate.skip(missed)
            if self._shadow is not None:
                self._shadow.skip(missed)
        self._last_seq = seq

    def _note_silence(self, at: Moment, *, silent: bool) -> None:
        if not silent:
            self._silent_since_ns, self._silent_ns = None, 0
        elif self._silent_since_ns is None:
            self._silent_since_ns = at.monotonic_ns
        else:
            self._silent_ns = at.monotonic_ns - self._silent_since_ns
