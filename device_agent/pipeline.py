"""One sensor's scans to events: filter, episodes, summaries, context.

    scan ─▶ representable ─┬▶ gate ─▶ verdict ─▶ raised thresholds ─▶ episode ─▶ context
                           ├▶ summary window
                           ├▶ watch for drift
                           └▶ ring of raw scans

No thread, no clock, no queue: the caller pushes scans and appends what comes back. Only the calibration, the
reference for drift and the open episode are kept on disk, through ports.
Not here: cleaning by range (``device_agent.cleaning``), durability of events (``spool``).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from contract.events import AnyEvent, SensorState
from device_agent.condense.context import ContextRing
from device_agent.condense.episodes import EpisodeTracker, Source, Timing
from device_agent.condense.grid import Grid
from device_agent.condense.moment import Moment
from device_agent.condense.notes import EpisodeNotes, FileNotes
from device_agent.condense.summaries import SummaryWindows
from device_agent.config import GatewayConfig
from device_agent.drift.store import FileReferences, MemoryReferences, ReferenceStore
from device_agent.drift.watch import DriftWatch, Seen
from device_agent.feedback.store import MemoryFeedback
from device_agent.feedback.view import FeedbackView, RaisedThresholds
from device_agent.filters.deseasoned import DeseasonedReadings
from device_agent.filters.gate import LevelGate, Verdict
from device_agent.filters.model import LevelModel
from device_agent.filters.season_store import FileSeasons, SeasonStore
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.filters.store import CalibrationStore, FileCalibrations, calibration_file
from device_agent.identity import Identity
from device_agent.sensors.port import Channel, Scan

FAILED_AFTER_NS = 5_000_000_000
"""A sensor without a single reading for this long has failed; a few gaps are only gaps."""


class Memory(NamedTuple):
    """What one sensor keeps over a restart.

    Without ``reference``, drift is compared with this process's start; without ``season``, no season is learnt.
    """

    calibration: CalibrationStore
    episode: EpisodeNotes
    reference: ReferenceStore | None = None
    season: SeasonStore | None = None


def file_memory(folder: Path, sensor: str) -> Memory:
    """In files of a folder, named after the sensor."""
    return Memory(
        FileCalibrations(calibration_file(folder, sensor)),
        FileNotes(folder / f"episode-{sensor}.json"),
        FileReferences(folder / f"drift-{sensor}.json"),
        FileSeasons(folder / f"season-{sensor}.json"),
    )


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
    ) -> None:
        names, hop = tuple(channel.name for channel in channels), config.filter.hop_scans
        kept = memory or file_memory(Path(config.state_dir), sensor)
        self._grid = Grid(channels)
        self._season = (
            DeseasonedReadings(names, kept.season, rate_hz=rate_hz)
            if kept.season and config.filter.seasonality
            else None
        )
        self._gate = LevelGate(
            channels,
            model,
            kept.calibration,
            rate_hz=rate_hz,
            calibration_scans=config.filter.calibration_scans,
            hop_scans=hop,
            false_per_week=config.filter.expected_false_per_week,
            season=self._season,
        )
        source = Source(identity, sensor, names, model.label)
        self._episodes = EpisodeTracker(source, kept.episode, Timing(rate_hz, hop))
        self._thresholds = RaisedThresholds(feedback or FeedbackView(MemoryFeedback()), sensor, names)
        self._summaries = SummaryWindows(sensor, channels, self._grid, summary_s=config.summary_s)
        self._context = ContextRing(sensor, channels, self._grid, span=config.context)
        self._drift = _drift_watch(sensor, channels, rate_hz, patience=config.drift.patience_windows, memory=kept)
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
            "contexts_halved": self._context.halved,
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
        self._summaries.add(at, values)
        events += self._context.push(at, values)
        if self._last_seq is None and (resumed := self._episodes.resume(at)):
            events.append(resumed)
        self._skip_missed(scan.seq)
        verdict = self._gate.push(values, scan.wall_ms)
        if verdict is not None:
            events += self._judge(at, self._thresholds.applied(verdict, at.wall_ms))
        if self._drift is not None:
            seen = Seen(self._gate.state, self._episodes.open_id is None, verdict.score if verdict else None)
            events += self._drift.push(at, values, seen)
        return events

    def finish(self, wall_ms: int, monotonic_ns: int) -> list[AnyEvent]:
        """Ends the work: waiting contexts and the running summary come out; an open episode stays open.

        Call it when everything that ``push`` returned has been accepted.
        """
        self._gate.keep()
        self._episodes.settle()
        now = Moment(wall_ms, monotonic_ns)
        return [*self._context.finish(), *self._summaries.close(self.state, not_after_ns=now.monotonic_ns)]

    def _judge(self, at: Moment, verdict: Verdict) -> list[AnyEvent]:
        self._summaries.note(verdict.score)
        episode = self._episodes.step(at, verdict)
        if episode is None:
            return []
        episode = msgspec.structs.replace(episode, raised=self.raised.get(episode.top_channel, 1.0))
        if episode.phase != "opened":
            return [episode]
        return [episode, *self._context.open(episode.episode_id)]

    def _skip_missed(self, seq: int) -> None:
        """A jump of the sequence is missed deadlines; a step back is a sensor that began anew."""
        if self._last_seq is not None:
            jump = seq - self._last_seq - 1
            self._gate.skip(jump if jump >= 0 else WINDOW_SCANS)
        self._last_seq = seq

    def _note_silence(self, at: Moment, *, silent: bool) -> None:
        if not silent:
            self._silent_since_ns, self._silent_ns = None, 0
        elif self._silent_since_ns is None:
            self._silent_since_ns = at.monotonic_ns
        else:
            self._silent_ns = at.monotonic_ns - self._silent_since_ns


def _drift_watch(
    sensor: str, channels: Sequence[Channel], rate_hz: float, *, patience: int, memory: Memory
) -> DriftWatch | None:
    if patience == 0:
        return None
    store = memory.reference or MemoryReferences()
    return DriftWatch(sensor, channels, store, rate_hz=rate_hz, patience=patience)
