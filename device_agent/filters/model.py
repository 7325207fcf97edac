"""The level model: a window of one sensor's scans in, a level and a score per channel out.

It has no state: what a sensor's normal is comes with every call (see ``calibration``). A window's gaps are
explicit; they weigh nothing. Not here: when a window is scored and what follows from it (``gate``).
"""

import hashlib
from importlib import resources
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from device_agent.errors import ModelError
from device_agent.filters.card import check_against_card
from device_agent.filters.runtime import FloatArray, Graph
from device_agent.filters.signature import BATCH_WINDOWS, MAX_MODEL_BYTES, VARIANTS, WINDOW_SCANS, shapes


class Normal(NamedTuple):
    """What is normal for a sensor; one float32 per channel, see ``signature.Shapes``."""

    mu: FloatArray
    inv_sd: FloatArray
    inv_rise: FloatArray
    inv_fall: FloatArray


class Scored(NamedTuple):
    """What the model says about a window.

    Attributes:
        level: By channel, in spreads from the centre.
        channel_score: By channel; 1.0 is the alarm threshold.
        score: The largest channel score.
    """

    level: FloatArray
    channel_score: FloatArray
    score: float


class LevelModel:
    """A loaded model for one sensor. One thread at a time may use it.

    Attributes:
        label: Name, version and short hash, for people.
        sha256: Of the file's bytes.
        channels: How many channels the sensor has.
    """

    def __init__(self, data: bytes, channels: int, *, label: str, capacity: int, batch: bytes | None = None) -> None:
        self.label, self._batch = label, batch
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.channels = channels
        self._graph, self._capacity = Graph(data, shapes(capacity)), capacity
        self._row = np.zeros(capacity, dtype=np.float32)
        self._window = np.zeros((WINDOW_SCANS, capacity), dtype=np.float32)

    @classmethod
    def load(cls, path: Path | None, channels: int) -> Self:
        """Opens a model file; without a path, the shipped one that fits the number of channels.

        Raises:
            ModelError: Too many channels for any model, or the file is missing, oversized, damaged or no
                level model; the message names it.
        """
        capacity = _capacity(channels)
        if path is None:
            shipped = resources.files("models") / f"level-{capacity}.tflite"
            with resources.as_file(shipped) as file:
                return cls.load(file, channels)
        data = _read(path)
        label = check_against_card(path, data)
        try:
            return cls(data, channels, label=label, capacity=capacity, batch=_batch(path))
        except ModelError as exc:
            raise ModelError(f"model {path}: {exc}", remedy=exc.remedy) from exc

    def score(self, values: FloatArray, valid: FloatArray, normal: Normal) -> Scored:
        """Scores one window.

        Args:
            values: Readings, scans by channels, oldest first; finite, 0 in a gap.
            valid: 1 where there is a reading, 0 in a gap; same shape.
            normal: What is normal now.
        """
        used = self.channels
        for name, window in (("x", values), ("valid", valid)):
            self._window[:, :used] = window
            self._graph.set(name, self._window)
        for name, row in zip(Normal._fields, normal, strict=True):
            self._row[:used] = row
            self._graph.set(name, self._row)
        self._graph.run()
        level, channel_score = self._graph.get("level"), self._graph.get("channel_score")
        return Scored(level[:used], channel_score[:used], float(self._graph.get("score")))

    def levels(self, values: FloatArray, valid: FloatArray, normal: Normal) -> FloatArray:
        """Levels of all full windows of some scans, rows by channels, oldest first.

        Many windows go through the graph at once where the model has a file for that; the numbers are the same.
        """
        if self._batch is None:
            ends = range(WINDOW_SCANS, len(values) + 1)
            windows = (slice(end - WINDOW_SCANS, end) for end in ends)
            return np.array([self.score(values[rows], valid[rows], normal).level for rows in windows])
        return _in_batches(Graph(self._batch, shapes(self._capacity, BATCH_WINDOWS)), values, valid, normal)


def _in_batches(graph: Graph, values: FloatArray, valid: FloatArray, normal: Normal) -> FloatArray:
    """The graph is opened for a calibration and dropped after it: a gateway needs it once in its life."""
    capacity, used = graph.shape("x")[-1], values.shape[1]
    for name, row in zip(Normal._fields, normal, strict=True):
        graph.set(name, np.pad(row, (0, capacity - used)))
    count = len(values) - WINDOW_SCANS + 1
    levels = np.empty((count, used), dtype=np.float32)
    several = np.zeros((BATCH_WINDOWS, WINDOW_SCANS, capacity), dtype=np.float32)
    for first in range(0, count, BATCH_WINDOWS):
        here = min(BATCH_WINDOWS, count - first)
        rows = slice(first, first + here + WINDOW_SCANS - 1)
        for name, scans in (("x", values), ("valid", valid)):
            several[:here, :, :used] = sliding_window_view(scans[rows], WINDOW_SCANS, axis=0).swapaxes(1, 2)
            graph.set(name, several)
        graph.run()
        levels[first : first + here] = graph.get("level")[:here, :used]
    return levels


def _batch(path: Path) -> bytes | None:
    """The file for many windows beside a model's, if there is one that its card knows.

    Raises:
        ModelError: It has other bytes than the card states.
    """
    beside = path.with_name(f"{path.stem}-by-{BATCH_WINDOWS}.tflite")
    if not beside.exists():
        return None
    data = _read(beside)
    check_against_card(beside, data)
    return data


def _capacity(channels: int) -> int:
    for capacity in VARIANTS:
        if 1 <= channels <= capacity:
            return capacity
    raise ModelError(
        f"no model takes {channels} channels; they take 1 to {VARIANTS[-1]}",
        remedy="split the sensor into several with fewer channels each",
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MODEL_BYTES + 1)
    except OSError as exc:
        raise ModelError(
            f"model {path}: {exc.strerror or exc}",
            remedy="set filter.model to a readable .tflite file, or leave it out for the shipped one",
        ) from exc
    if len(data) > MAX_MODEL_BYTES:
        raise ModelError(
            f"model {path}: larger than {MAX_MODEL_BYTES} bytes",
            remedy="use a model made for gateways; the shipped ones have under 5,000 bytes",
        )
    return data
