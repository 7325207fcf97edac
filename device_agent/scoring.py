"""A recording scored row by row, by the stages that run live: gate, model, episode rule.

Rules: a row's score depends on this and earlier rows only; after calibration it does not depend on the row's
number. Columns that look like labels or row counts are never read as channels (``NEVER_CHANNELS``). A hole in the
timestamps is as many missed scans as it would have held. Nothing here depends on the recording: one set of defaults.

Live, a window is judged every few scans; here after every row, so that every row has its own score.
Not here: the file format (``device_agent.sensors.recording``), reading arguments (``thresher.commands.score``).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from device_agent.condense.episodes import OPEN_AT, EpisodeTracker, Source, Timing
from device_agent.condense.moment import Moment
from device_agent.condense.notes import MemoryNotes
from device_agent.errors import ConfigError
from device_agent.filters.gate import LevelGate, Verdict
from device_agent.filters.model import LevelModel
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.filters.store import MemoryCalibrations
from device_agent.identity import Identity
from device_agent.sensors.port import Channel
from device_agent.sensors.recording import Recording, Row
from device_agent.sensors.recording_layout import TIME_NAMES

RowState = Literal["calibrating", "armed", "gap"]

_LABELS: Final = (
    *("anomaly", "anomalous", "is_anomaly", "is_anomalous", "anomaly_label", "anomaly_score", "label", "labels"),
    *("outlier", "is_outlier", "changepoint", "change_point", "is_changepoint", "ground_truth", "target", "class"),
)
_COUNTERS: Final = ("", "index", "row", "row_number", "row_id", "id", "seq", "sequence", "unnamed: 0")
NEVER_CHANNELS: Final = frozenset((*_LABELS, *_COUNTERS, *TIME_NAMES)) - {"t"}
"""Lower-case names of columns that would tell the answer, the row's number or its time."""

FINEST_RESOLUTION: Final = 1e-6
"""Of a channel of which the recording does not say its resolution, in its unit."""

_NS_PER_S: Final = 1_000_000_000


class ScoredRow(NamedTuple):
    """What the filter says of one row.

    Attributes:
        time: The timestamp as the recording has it.
        score: 1.0 is where an alarm begins; ``None`` where there is no verdict.
        threshold: What a quiet channel's score must reach.
        anomalous: An episode is open after this row.
        state: ``gap`` where too much was missing for a verdict.
        top_channel: The channel with the largest score; empty without a verdict or without any deviation.
    """

    time: str
    score: float | None
    threshold: float
    anomalous: bool
    state: RowState
    top_channel: str


def open_recording(path: Path, *, time_column: str | None = None) -> Recording:
    """The recording with its channels but without labels; raises ``ConfigError`` where no channel is left."""
    names = [channel.name for channel in Recording(path, time_column=time_column).layout.channels]
    kept = tuple(name for name in names if name.lower() not in NEVER_CHANNELS)
    if not kept:
        raise ConfigError(
            f"{path}: no column is a channel, only {', '.join(names)}",
            remedy="use a recording with a numeric column that is neither a label nor a row number",
        )
    return Recording(path, kept, time_column=time_column)


def score(
    recording: Recording, model: Path | None, *, calibrate_rows: int, false_per_week: float = 1.0
) -> Iterator[ScoredRow]:
    """Every row's score, in order.

    Raises:
        ModelError: The model cannot be used, or the recording has more channels than any model takes.
    """
    scorer = _Scorer(recording, model, calibrate_rows, false_per_week)
    for row in recording.rows():
        yield scorer.take(row)


class _Scorer:
    """The stages, and how many scans ago the recording began."""

    def __init__(self, recording: Recording, model: Path | None, calibrate_rows: int, false_per_week: float) -> None:
        layout = recording.layout
        channels = layout.channels if layout.paced else tuple(_finest(channel) for channel in layout.channels)
        self._names = tuple(channel.name for channel in channels)
        self._rate_hz, self._paced = layout.rate_hz or 1.0, layout.paced
        level = LevelModel.load(model, len(channels))
        self._gate = LevelGate(
            channels,
            level,
            MemoryCalibrations(),
            rate_hz=self._rate_hz,
            calibration_scans=calibrate_rows,
            hop_scans=1,
            false_per_week=false_per_week,
        )
        source = Source(Identity("recording", "0" * 32), "recording", self._names, level.label)
        self._episodes = EpisodeTracker(source, MemoryNotes(), Timing(self._rate_hz, hop_scans=1))
        self._before_s: float | None = None
        self._last_s: float | None = None
        self._scans = 0

    def take(self, row: Row) -> ScoredRow:
        """Scores the next row."""
        missed = self._missed(row.time_s)
        self._gate.skip(missed)
        self._scans += missed + 1
        calibrating = self._gate.state == "calibrating"
        verdict = self._gate.push(np.array(row.reading.values), 0)
        if verdict is not None:
            self._episodes.step(Moment(0, round(self._scans / self._rate_hz * _NS_PER_S)), verdict)
        state: RowState = "calibrating" if calibrating else "gap" if verdict is None else "armed"
        return ScoredRow(
            time=row.time,
            score=None if verdict is None else verdict.score,
            threshold=OPEN_AT,
            anomalous=self._episodes.open_id is not None,
            state=state,
            top_channel=self._top(verdict),
        )

    def _missed(self, time_s: float | None) -> int:
        """Scans that the hole before this row would have held; more than a window are as good as a window.

        A single row whose time stands too early makes no hole behind it.
        """
        if self._paced or time_s is None:
            return 0
        before_s, last_s = self._before_s, self._last_s
        self._before_s, self._last_s = last_s, time_s
        if last_s is None:
            return 0
        if before_s is not None and last_s < before_s:
            last_s = before_s + 1 / self._rate_hz
        steps = min(max(0.0, (time_s - last_s) * self._rate_hz), WINDOW_SCANS + 1.0)
        return max(0, round(steps) - 1)

    def _top(self, verdict: Verdict | None) -> str:
        if verdict is None or verdict.score <= 0:
            return ""
        return self._names[int(verdict.channel_score.argmax())]


def _finest(channel: Channel) -> Channel:
    return msgspec.structs.replace(channel, resolution=FINEST_RESOLUTION)
