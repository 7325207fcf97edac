"""Writes TFLite graphs straight as flatbuffers, operator by operator.

The same calls give the same bytes. It knows the operators that our graphs use and no others.
Not here: what a graph computes (``training.level_graph``).
"""

from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from device_agent.filters.signature import SIGNATURE

_NO_DATA = 0  # by the schema, buffer 0 is the empty one


class Graph:
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
        "TRANSPOSE": "TransposeOptions",
        "FULLY_CONNECTED": "FullyConnectedOptions",
        "RESHAPE": "ReshapeOptions",
    }

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[tuple[str, int]] = []

    @property
    def codes(self) -> tuple[tuple[str, int], ...]:
        """Operators used so far, with their versions."""
        return tuple(self._codes)

    def tensor(
        self, name: str, shape: tuple[int, ...], *, kind: str = "FLOAT32", scale: float = 0.0, buffer: int = _NO_DATA
    ) -> int:
        """Adds a tensor and returns its index; with a ``scale`` it holds numbers in steps of that size around 0."""
        made = schema.TensorT(
            shape=list(shape), type=getattr(schema.TensorType, kind), buffer=buffer, name=name, hasRank=True
        )
        if scale:
            made.quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[0])
        self._tensors.append(made)
        return len(self._tensors) - 1

    def constant(self, name: str, value: np.ndarray[Any, Any] | np.float32, *, scale: float = 0.0) -> int:
        """Adds a tensor whose value is in the file, little-endian as the format wants it."""
        array = np.asarray(value)
        little = array.astype(array.dtype.newbyteorder("<"))
        self._buffers.append(schema.BufferT(data=list(little.tobytes())))
        return self.tensor(name, array.shape, kind=array.dtype.name.upper(), scale=scale, buffer=len(self._buffers) - 1)

    def operator(
        self, code: str, *inputs: int, name: str, shape: tuple[int, ...], version: int = 1, scale: float = 0.0
    ) -> int:
        """Adds an operator and the tensor it fills (int8 where it has a ``scale``); returns that tensor's index."""
        if (code, version) not in self._codes:
            self._codes.append((code, version))
        output = self.tensor(name, shape, kind="INT8" if scale else "FLOAT32", scale=scale)
        index = self._codes.index((code, version))
        made = schema.OperatorT(opcodeIndex=index, inputs=list(inputs), outputs=[output])
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
            operatorCodes=[_code(*code) for code in self._codes],
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


def _code(code: str, version: int) -> Any:  # noqa: ANN401 - the generated schema is untyped
    number = getattr(schema.BuiltinOperator, code)
    return schema.OperatorCodeT(deprecatedBuiltinCode=number, builtinCode=number, version=version)
