"""One sensor's scans to events: filter, episodes, summaries, context.

    scan ─▶ representable ─┬▶ judging: verdicts ─▶ episode ─▶ context
                           ├▶ summary window
                           ├▶ report by exception
                           └▶ ring of raw scans

No thread, no clock, no queue: the caller pushes scans and appends what comes back. Only the calibration, the
reference for drift and the open episode are kept on disk, through ports.
Not here: cleaning by range (``device_agent.cleaning``), what a filter makes of scans (``device_agent.judging``),
durability of events (``spool``).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from contract.events import SensorState
from contract.health import ShadowHealth
from contract.kinds import AnyEvent
from device_agent.condense.context import ContextRing
from device_agent.condense.grid import Grid
from device_agent.condense.moment import NS_PER_MS, Moment
from device_agent.condense.reports import Reports
from device_agent.condense.ring import Frozen
from device_agent.condense.summaries import SummaryWindows
from device_agent.config import GatewayConfig
from device_agent.config.uplink import LITE_ENVELOPE_BYTES
from device_agent.feedback.view import FeedbackView
from device_agent.filters.model import LevelModel
from device_agent.filters.tally import Tally
from device_agent.identity import Identity
from device_agent.judging import Judged, Judging, opened_by
from device_agent.sensor_memory import Memory, file_memory
from device_agent.sensors.port import Channel, Scan
from device_agent.sensors.scan_block import ScanBlock
from device_agent.spectral.plan import judged_of

FAILED_AFTER_NS: Final = 5_000_000_000
"""A sensor without a single reading for this long has failed; a few gaps are only gaps."""


class SensorPipeline:
    """Everything one sensor's scans go through. One thread at a time.

    Args:
        sensor: Its name.
        channels: What it measures.
        rate_hz: Scans per second.
        config: The gateway's.
        identity: Gateway and boot.
        model: Opened for as many channels as are judged; ``None`` where none is, and nothing is judged.
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
        model: LevelModel | None,
        *,
        memory: Memory | None = None,
        feedback: FeedbackView | None = None,
        candidate: LevelModel | None = None,
        tally: Tally | None = None,
    ) -> None:
        self._tally = tally or Tally()
        self._grid = Grid(channels)
        judged = judged_of(channels)
        self._columns = slice(None) if len(judged) == len(channels) else judged
        self._judging: Judging | None = None
        if model is not None:
            whose = Judged(sensor, tuple(channels[column] for column in judged), rate_hz, identity)
            kept = memory or file_memory(Path(config.state_dir), sensor)
            self._judging = Judging(whose, config, model, memory=kept, feedback=feedback, candidate=candidate)
        self._summaries = SummaryWindows(sensor, channels, self._grid, summary_s=config.summary_s)
        envelope_bytes = config.uplink.envelope_bytes() if config.uplink else LITE_ENVELOPE_BYTES
        self._context = ContextRing(
            sensor, channels, self._grid, span=config.context, rate_hz=rate_hz, envelope_bytes=envelope_bytes
        )
        self._reports = Reports(sensor, channels, rate_hz)
        self._silence = _Silence()
        self._unrepresentable = 0
        self.raw_bytes = 0

    @property
    def state(self) -> SensorState:
        """Of the filter, or ``failed`` where no channel has had a reading for a while; ``armed`` where none judges."""
        if self._silence.lasted_ns >= FAILED_AFTER_NS:
            return "failed"
        return self._judging.state if self._judging else "armed"

    @property
    def open_episode(self) -> str | None:
        """Id of the episode that is open, if one is."""
        return self._judging.open_episode if self._judging else None

    @property
    def windows(self) -> int:
        """Windows judged."""
        return self._judging.windows if self._judging else 0

    @property
    def drifting(self) -> list[str]:
        """What has changed for longer than an episode, and is not back."""
        return self._judging.drifting if self._judging else []

    @property
    def shadow(self) -> ShadowHealth | None:
        """How the candidate did, where one is tried."""
        return self._judging.shadow if self._judging else None

    @property
    def raised(self) -> dict[str, float]:
        """By channel: how many times its usual threshold is in force by feedback, where that is not once."""
        return self._judging.raised if self._judging else {}

    @property
    def counters(self) -> dict[str, int]:
        """What was left out, refused, shortened or could not be kept, by name."""
        return {
            "unrepresentable": self._unrepresentable,
            **(self._judging.counters if self._judging else {}),
            "contexts_shortened": self._context.shortened,
            "contexts_refused": self._context.refused,
            "context_channels_dropped": self._context.dropped,
        }

    def push(self, scan: Scan) -> list[AnyEvent]:
        """Takes a scan; returns the events it gives rise to, in order."""
        at = Moment(scan.wall_ms, scan.monotonic_ns)
        values, lost = self._grid.representable(scan.values)
        self._unrepresentable += lost
        self.raw_bytes += self._grid.raw_bytes(scan.wall_ms, values)
        self._silence.note(at.monotonic_ns, silent=bool(np.isnan(values[0]) and np.isnan(values).all()))
        events: list[AnyEvent] = []
        if self._summaries.due(at.monotonic_ns):
            events += self._summaries.close(self.state)
        self._summaries.add(at, values, scan.gaps)
        events += self._reports.push(at, values)
        events += self._context.push(at, values)
        if self._judging is not None:
            events += self._with_context(self._judging.push(at, values[self._columns], scan.seq), self._judging)
        return events

    def push_block(self, block: ScanBlock) -> list[AnyEvent]:
        """Takes neighbouring scans; returns the events that ``push`` would, those of a kind in the same order."""
        values, lost = self._grid.representable_rows(block.values)
        self._unrepresentable += lost
        times_ns = block.monotonic_ns
        scans = Frozen(Moment(block.wall_ms, int(times_ns[0])), times_ns, values)
        wall_ms: list[int] = (block.wall_ms + (times_ns - times_ns[0]) // NS_PER_MS).tolist()
        self.raw_bytes += self._grid.raw_bytes_of_rows(wall_ms, values)
        self._note_silence(scans)
        events: list[AnyEvent] = [*self._reports.push_block(scans)]
        taken = 0
        while taken < block.scans:
            part = scans.part(slice(taken, taken + (self._judging.due_in if self._judging else block.scans)))
            events += self._push_part(part, block.seq + taken)
            taken += len(part.monotonic_ns)
        self._summaries.note_flags(block.flags)
        return events

    def open_context(self, episode: str) -> list[AnyEvent]:
        """An episode opened that this sensor's latest scans tell of; returns its context, if it is complete."""
        return [*self._context.open(episode)]

    def finish(self, wall_ms: int, monotonic_ns: int) -> list[AnyEvent]:
        """Ends the work: waiting contexts and the running summary come out; an open episode stays open.

        Call it when everything that ``push`` returned has been accepted.
        """
        if self._judging is not None:
            self._judging.finish()
        now = Moment(wall_ms, monotonic_ns)
        return [
            *self._context.finish(),
            *self._reports.finish(),
            *self._summaries.close(self.state, not_after_ns=now.monotonic_ns),
        ]

    def _push_part(self, scans: Frozen, seq: int) -> list[AnyEvent]:
        """Scans of which only the last may be judged, so that a context begins at the scan that opened its episode."""
        events: list[AnyEvent] = [*self._summaries.add_block(scans, self.state), *self._context.push_block(scans)]
        if self._judging is not None:
            watched = scans._replace(values=scans.values[:, self._columns])
            events += self._with_context(self._judging.push_rows(watched, seq), self._judging)
        return events

    def _with_context(self, events: list[AnyEvent], judging: Judging) -> list[AnyEvent]:
        if judging.score is not None:
            self._summaries.note(judging.score)
            self._tally.note(judging.score)
        opened = list(opened_by(events))
        for _ in opened:
            self._tally.note_opened()
        return [*events, *(part for episode in opened for part in self._context.open(episode))]

    def _note_silence(self, scans: Frozen) -> None:
        silent: np.ndarray[Any, np.dtype[np.bool_]] = np.logical_and.reduce(np.isnan(scans.values), axis=1)
        heard = np.flatnonzero(~silent)
        if len(heard):
            self._silence.note(int(scans.monotonic_ns[heard[-1]]), silent=False)
        for row in (int(heard[-1]) + 1 if len(heard) else 0, len(silent) - 1):
            if row < len(silent) and silent[row]:
                self._silence.note(int(scans.monotonic_ns[row]), silent=True)


class _Silence:
    """How long no channel has had a reading."""

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self.lasted_ns = 0

    def note(self, now_ns: int, *, silent: bool) -> None:
        if not silent:
            self._since_ns, self.lasted_ns = None, 0
        elif self._since_ns is None:
            self._since_ns = now_ns
        else:
            self.lasted_ns = now_ns - self._since_ns
