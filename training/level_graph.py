"""The level gate as a TFLite graph.

It has no state and nothing in it is learnt: calibration comes in as tensors, so one file serves a fleet.

    z     = clip((x - mu) * inv_sd, -8, 8) * valid
    level = Σ w z / max(Σ w valid, eps)              w: exponential, newest heaviest (an EWMA chart)
    channel_score = relu(level) * inv_rise + relu(-level) * inv_fall
    score = max over channels

Every operator of a float32 build is of version 1, which LiteRT and tflite-runtime 2.14 both know. An int8 build keeps
z and w in steps of 1/127 of their range and sums them as integers, to 1/127 of 8 spreads. A build for several windows
has one more axis in front. The same source gives the same bytes.
Not here: thresholds (``device_agent.filters`` makes them on the device), the file format (``training.graph``).
"""

from typing import Any, Final, Literal, NamedTuple

import numpy as np

from device_agent.filters.signature import CLIP_SIGMA, SPAN_SCANS, WINDOW_SCANS, shapes
from training.graph import Graph

NAME: Final = "level"
VERSION: Final = 2
STEPS: Final = 127

_EPSILON: Final = 1e-6
_Z_STEP: Final = CLIP_SIGMA / STEPS

Kind = Literal["float32", "int8"]


class Build(NamedTuple):
    """One file.

    Attributes:
        channels: Its capacity.
        windows: Judged by one invocation.
        kind: Of its arithmetic.
    """

    channels: int
    windows: int = 1
    kind: Kind = "float32"

    @property
    def stem(self) -> str:
        """Of the file's name."""
        several = f"-by-{self.windows}" if self.windows > 1 else ""
        return f"{NAME}-{self.channels}{several}{'-int8' if self.kind == 'int8' else ''}"


def weights(kind: Kind = "float32") -> np.ndarray[Any, np.dtype[np.float32]]:
    """One weight per scan of the window, oldest first, as a column; they sum to one (int8: as near as steps allow)."""
    age = np.arange(WINDOW_SCANS - 1, -1, -1, dtype=np.float64)
    raw = (1 - 2 / (SPAN_SCANS + 1)) ** age
    column: np.ndarray[Any, np.dtype[np.float32]] = (raw / raw.sum()).astype(np.float32)
    if kind == "int8":
        step = float(column.max()) / STEPS
        column = (np.rint(column / step) * step).astype(np.float32)
    return column.reshape(WINDOW_SCANS, 1)


def build(what: Build) -> bytes:
    """The model file."""
    graph = Graph()
    face = shapes(what.channels, what.windows)
    inputs = {name: graph.tensor(name, shape) for name, shape in face.inputs.items()}
    outputs = _wire(graph, inputs, what)
    return graph.finish(inputs, outputs, description=f"thresher {what.stem} version {VERSION}")


def _wire(graph: Graph, given: dict[str, int], what: Build) -> dict[str, int]:
    op, face = graph.operator, shapes(what.channels, what.windows)
    window, row = face.inputs["x"], face.outputs["level"]
    axis = graph.constant("scan_axis", np.array([len(window) - 2], dtype=np.int32))
    weight = graph.constant("weights", weights(what.kind))
    z = _standardised(graph, given, window)
    if what.kind == "int8":
        total = _integer_sum(graph, z, what.channels)
    else:
        total = op("SUM", op("MUL", z, weight, name="weighted", shape=window), axis, name="total", shape=row)
    present = op("MUL", given["valid"], weight, name="present", shape=window)
    mass = op("SUM", present, axis, name="mass", shape=row)
    epsilon = graph.constant("epsilon", np.float32(_EPSILON))
    safe_mass = op("MAXIMUM", mass, epsilon, name="safe_mass", shape=row)
    level = op("DIV", total, safe_mass, name="level", shape=row)
    up = op("MUL", op("RELU", level, name="rise", shape=row), given["inv_rise"], name="rise_score", shape=row)
    below = op("RELU", op("NEG", level, name="fall_level", shape=row), name="fall", shape=row)
    down = op("MUL", below, given["inv_fall"], name="fall_score", shape=row)
    channel_score = op("ADD", up, down, name="channel_score", shape=row)
    last = graph.constant("channel_axis", np.array([len(row) - 1], dtype=np.int32))
    score = op("REDUCE_MAX", channel_score, last, name="score", shape=face.outputs["score"])
    return {"level": level, "channel_score": channel_score, "score": score}


def _standardised(graph: Graph, given: dict[str, int], window: tuple[int, ...]) -> int:
    op = graph.operator
    centred = op("SUB", given["x"], given["mu"], name="centred", shape=window)
    scaled = op("MUL", centred, given["inv_sd"], name="scaled", shape=window)
    high = graph.constant("clip_high", np.float32(CLIP_SIGMA))
    low = graph.constant("clip_low", np.float32(-CLIP_SIGMA))
    capped = op("MINIMUM", scaled, high, name="capped", shape=window)
    clipped = op("MAXIMUM", capped, low, name="clipped", shape=window)
    return op("MUL", clipped, given["valid"], name="z", shape=window)


def _integer_sum(graph: Graph, z: int, channels: int) -> int:
    """Σ w z of one window in int8; versions are those in which int8 came to each operator."""
    op, turned = graph.operator, (channels, WINDOW_SCANS)
    step = float(weights("int8").max()) / STEPS
    integers = np.rint(weights("int8").reshape(1, WINDOW_SCANS) / step).astype(np.int8)
    weight = graph.constant("weight_steps", integers, scale=step)
    order = graph.constant("turn", np.array([1, 0], dtype=np.int32))
    whole = graph.constant("row_shape", np.array([channels], dtype=np.int32))
    steps = op("QUANTIZE", z, name="z_steps", shape=(WINDOW_SCANS, channels), scale=_Z_STEP)
    by_channel = op("TRANSPOSE", steps, order, name="by_channel", shape=turned, version=2, scale=_Z_STEP)
    summed = op("FULLY_CONNECTED", by_channel, weight, -1, name="summed", shape=(channels, 1), version=4, scale=_Z_STEP)
    total = op("DEQUANTIZE", summed, name="column", shape=(channels, 1), version=2)
    return op("RESHAPE", total, whole, name="total", shape=(channels,))
