"""The door to LiteRT: one interpreter, one thread, tensors by name.

``ai_edge_litert`` where it is installed, else ``tflite_runtime`` (32-bit ARM and older boards have only that;
both give the same numbers for the graphs that ship). It is imported when a model is opened, never before.
Not here: which tensors a model must have (``signature``), what they mean.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from device_agent.errors import ModelError
from device_agent.filters.signature import SIGNATURE, Shapes

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
_INSTALL = "pip install ai-edge-litert (or, on 32-bit ARM, tflite-runtime and numpy<2)"


class _Tensors(NamedTuple):
    indices: dict[str, int]
    shapes: dict[str, tuple[int, ...]]


class Graph:
    """An opened model. Not safe for two threads at once; each sensor has its own.

    Args:
        data: The model file's bytes.
        expected: The shapes it must have.

    Raises:
        ModelError: No runtime is installed, the bytes are no model, or its tensors have other names or shapes.
    """

    def __init__(self, data: bytes, expected: Shapes) -> None:
        self._interpreter = _open(data)
        inputs, outputs = _signature(self._interpreter)
        if inputs.shapes != expected.inputs or outputs.shapes != expected.outputs:
            raise ModelError(
                f"its signature is {_words(inputs)} → {_words(outputs)}",
                remedy="use a model made by `python -m training.build`, of a size that fits the sensor",
            )
        self._inputs, self._outputs, self._shapes = inputs.indices, outputs.indices, inputs.shapes

    def set(self, name: str, value: FloatArray) -> None:
        """Fills one input; it keeps the value until it is set again."""
        self._interpreter.set_tensor(self._inputs[name], value)

    def shape(self, name: str) -> tuple[int, ...]:
        """Of an input."""
        return self._shapes[name]

    def run(self) -> None:
        """Computes the outputs from the inputs."""
        self._interpreter.invoke()

    def get(self, name: str) -> FloatArray:
        """A copy of one output."""
        value: FloatArray = self._interpreter.get_tensor(self._outputs[name])
        return value


def _open(data: bytes) -> Any:  # noqa: ANN401 - neither runtime ships types
    try:
        interpreter = interpreter_class()(model_content=data, num_threads=1)
        interpreter.allocate_tensors()
    except ImportError as exc:
        raise ModelError(f"the TFLite runtime does not work here ({exc})", remedy=_INSTALL) from exc
    except (ValueError, RuntimeError) as exc:
        raise ModelError(
            f"it is not a usable TFLite file ({exc})", remedy="copy the model again from the release"
        ) from exc
    return interpreter


def interpreter_class(runtimes: Sequence[str] = RUNTIMES) -> Callable[..., Any]:
    """The interpreter of the first runtime that is installed; raises ``ModelError`` where none is."""
    for module in runtimes:
        try:
            found: Callable[..., Any] = importlib.import_module(module).Interpreter
        except ModuleNotFoundError:
            continue
        return found
    raise ModelError("no TFLite runtime is installed", remedy=_INSTALL)


def _signature(interpreter: Any) -> tuple[_Tensors, _Tensors]:  # noqa: ANN401 - see above
    try:
        runner = interpreter.get_signature_runner(SIGNATURE)
    except (ValueError, KeyError, RuntimeError) as exc:
        raise ModelError(
            f"it has no signature {SIGNATURE!r}", remedy="use a model made by `python -m training.build`"
        ) from exc
    # the runner keeps a reference to the interpreter, which then refuses to run: read it and let it go
    return _tensors(runner.get_input_details()), _tensors(runner.get_output_details())


def _tensors(details: Mapping[str, Mapping[str, Any]]) -> _Tensors:
    return _Tensors(
        indices={name: int(detail["index"]) for name, detail in details.items()},
        shapes={name: tuple(int(n) for n in detail["shape"]) for name, detail in details.items()},
    )


def _words(tensors: _Tensors) -> str:
    return ", ".join(f"{name}{list(shape)}" for name, shape in sorted(tensors.shapes.items()))
