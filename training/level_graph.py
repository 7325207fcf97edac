"""Writes the level gate as a TFLite graph, straight as a flatbuffer.

The graph has no state and nothing in it is learnt: calibration comes in as tensors, so one file serves a fleet.

    z     = clip((x - mu) * inv_sd, -8, 8) * valid
    level = Σ w z / max(Σ w valid, eps)              w: exponential, newest heaviest (an EWMA chart)
    channel_score = relu(level) * inv_rise + relu(-level) * inv_fall
    score = max over channels

Every operator is of version 1, which LiteRT and tflite-runtime 2.14 both know. The same source gives the same
bytes. Not here: thresholds (``device_agent.filters.calibration`` makes them on the device).
"""

from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from device_agent.filters.signature import CLIP_SIGMA, SIGNATURE, SPAN_SCANS, WINDOW_SCANS, shapes

NAME: Final = "level"
VERSION: Final = 2

_EPSILON: Final = 1e-6
_NO_DATA = 0  # by the schema, buffer 0 is the empty one


def weights() -> np.ndarray[Any, np.dtype[np.float32]]:
    """One weight per scan of the window, oldest first, as a column; they sum to one."""
    age = np.arange(WINDOW_SCANS - 1, -1, -1, dtype=np.float64)
    raw = (1 - 2 / (SPAN_SCANS + 1)) ** age
    column: np.ndarray[Any, np.dtype[np.float32]] = (raw / raw.sum()).astype(np.float32)
    return column.reshape(WINDOW_SCANS, 1)


def build(channels: int) -> bytes:
    """The model file for this many channels."""
    graph = _Graph()
    face = shapes(channels)
    inputs = {name: graph.tensor(name, shape) for name, shape in face.inputs.items()}
    outputs = _wire(graph, inputs, channels)
    return graph.finish(inputs, outputs, description=f"thresher {NAME}-{channels} version {VERSION}")


def _wire(graph: "_Graph", given: dict[str, int], channels: int) -> dict[str, int]:
    op, window, row = graph.operator, (WINDOW_SCANS, channels), (channels,)
    weight = graph.constant("weights", weights())
    axis = graph.constant("scan_axis", np.array([0], dtype=np.int32))
    centred = op("SUB", given["x"], given["mu"], name="centred", shape=window)
    scaled = op("MUL", centred, given["inv_sd"], name="scaled", shape=window)
    low = graph.constant("clip_low", np.float32(-CLIP_SIGMA))
    high = graph.constant("clip_high", np.float32(CLIP_SIGMA))
    capped = op("MINIMUM", scaled, high, name="capped", shape=window)
    clipped = op("MAXIMUM", capped, low, name="clipped", shape=window)
    z = op("MUL", clipped, given["valid"], name="z", shape=window)
    weighted = op("MUL", z, weight, name="weighted", shape=window)
    total = op("SUM", weighted, axis, name="total", shape=row)
    present = op("MUL", given["valid"], weight, name="present", shape=window)
    mass = op("SUM", present, axis, name="mass", shape=row)
    epsilon = graph.constant("epsilon", np.float32(_EPSILON))
    safe_mass = op("MAXIMUM", mass, epsilon, name="safe_mass", shape=row)
    level = op("DIV", total, safe_mass, name="level", shape=row)
    up = op("MUL", op("RELU", level, name="rise", shape=row), given["inv_rise"], name="rise_score", shape=row)
    below = op("RELU", op("NEG", level, name="fall_level", shape=row), name="fall", shape=row)
    down = op("MUL", below, given["inv_fall"], name="fall_score", shape=row)
    channel_score = op("ADD", up, down, name="channel_score", shape=row)
    score = op("REDUCE_MAX", channel_score, axis, name="score", shape=())
    return {"level": level, "channel_score": channel_score, "score": score}


class _Graph:
    """Collects tensors and operators, and packs them in the order in which they were added."""

    _OPTIONS: Final = {
        "ADD": "AddOptions",
        "SUB": "SubOptions",
        "MUL": "MulOptions",
        "DIV": "DivOptions",
        "NEG": "NegOptions",
        "MINIMUM": "MaximumMinimumOptions",
        "MAXIMUM": "MaximumMinimumOptions",
        "SUM": "ReducerOptions",
        "REDUCE_MAX": "ReducerOptions",
    }

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[str] = []

    def tensor(self, name: str, shape: tuple[int, ...], *, kind: str = "FLOAT32", buffer: int = _NO_DATA) -> int:
        """Adds a tensor and returns its index."""
        element = getattr(schema.TensorType, kind)
        self._tensors.append(schema.TensorT(shape=list(shape), type=element, buffer=buffer, name=name, hasRank=True))
        return len(self._tensors) - 1

    def constant(self, name: str, value: np.ndarray[Any, Any] | np.float32) -> int:
        """Adds a tensor whose value is in the file, little-endian as the format wants it."""
        array = np.asarray(value)
        little = array.astype(array.dtype.newbyteorder("<"))
        self._buffers.append(schema.BufferT(data=list(little.tobytes())))
        kind = "INT32" if array.dtype == np.int32 else "FLOAT32"
        return self.tensor(name, array.shape, kind=kind, buffer=len(self._buffers) - 1)

    def operator(self, code: str, *inputs: int, name: str, shape: tuple[int, ...]) -> int:
        """Adds an operator and the tensor it fills; returns that tensor's index."""
        if code not in self._codes:
            self._codes.append(code)
        output = self.tensor(name, shape)
        made = schema.OperatorT(opcodeIndex=self._codes.index(code), inputs=list(inputs), outputs=[output])
        if code in self._OPTIONS:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, self._OPTIONS[code])
            made.builtinOptions = getattr(schema, f"{self._OPTIONS[code]}T")()
        self._operators.append(made)
        return output

    def finish(self, inputs: dict[str, int], outputs: dict[str, int], *, description: str) -> bytes:
        """Packs everything into a file of schema version 3."""
        signature = schema.SignatureDefT(
            inputs=_tensor_map(inputs), outputs=_tensor_map(outputs), signatureKey=SIGNATURE
        )
        subgraph = schema.SubGraphT(
            tensors=self._tensors,
            inputs=list(inputs.values()),
            outputs=list(outputs.values()),
            operators=self._operators,
            name="main",
        )
        model = schema.ModelT(
            version=3,
            operatorCodes=[_code(code) for code in self._codes],
            subgraphs=[subgraph],
            description=description,
            buffers=self._buffers,
            signatureDefs=[signature],
        )
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _tensor_map(tensors: dict[str, int]) -> list[Any]:
    return [schema.TensorMapT(name=name, tensorIndex=index) for name, index in tensors.items()]


def _code(code: str) -> Any:  # noqa: ANN401 - the generated schema is untyped
    number = getattr(schema.BuiltinOperator, code)
    return schema.OperatorCodeT(deprecatedBuiltinCode=number, builtinCode=number, version=1)
