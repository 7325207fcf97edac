"""What the TFLite runtime of this environment makes of the shipped models: ``python -m training.probe``.

One JSON object on stdout: by model file its outputs for inputs made from a fixed seed, and its speed. Run in two
environments it tells whether both runtimes give the same numbers. Needs numpy, msgspec and a runtime, nothing else.
It reads each model's own signature, so it holds for whatever is shipped.
Not here: what the outputs mean (``device_agent.filters.signature``).
"""

import argparse
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from device_agent.filters.model import LevelModel, Normal
from device_agent.filters.runtime import interpreter_class
from device_agent.filters.signature import SIGNATURE, VARIANTS, WINDOW_SCANS

MODELS: Final = Path(__file__).resolve().parent.parent / "models"
SEED: Final = 20_261_124
_DISTRIBUTIONS: Final = ("ai-edge-litert", "tflite-runtime")
_WINDOW_RANK: Final = 2
"""Of an input that holds one window; one more holds several."""


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """One model file.

    Attributes:
        bytes: Its size.
        windows: Judged by one invocation.
        us_per_invoke: Median time of one invocation of the fastest round, µs; 0 where it was not measured.
        us_per_window: The same with its window copied in and its score read, by window, µs.
        outputs: By name, flat.
    """

    bytes: int
    windows: int
    us_per_invoke: float
    us_per_window: float
    outputs: dict[str, list[float]]


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """All of them.

    Attributes:
        runtime: Name and version.
        numpy: Version.
        models: By file name.
    """

    runtime: str
    numpy: str
    models: dict[str, Probed]


class Opened:
    """A model with its inputs filled from the seed. One thread, as on a gateway."""

    def __init__(self, data: bytes) -> None:
        self._interpreter = interpreter_class()(model_content=data, num_threads=1)
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner(SIGNATURE)
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        del runner  # it keeps a reference for which the interpreter refuses to run
        self._outputs = {name: int(detail["index"]) for name, detail in sorted(outputs.items())}
        self._window = int(inputs["x"]["index"]), _filled(inputs["x"], np.random.default_rng(SEED))
        random = np.random.default_rng(SEED + 1)
        for _, detail in sorted(inputs.items()):
            self._interpreter.set_tensor(int(detail["index"]), _filled(detail, random))
        rank = len(inputs["x"]["shape"])
        self.windows = int(inputs["x"]["shape"][0]) if rank > _WINDOW_RANK else 1

    def invoke(self) -> None:
        """The graph alone."""
        self._interpreter.invoke()

    def judge(self) -> None:
        """A window in, the graph, the score out."""
        self._interpreter.set_tensor(*self._window)
        self._interpreter.invoke()
        self._interpreter.get_tensor(self._outputs["score"])

    def outputs(self) -> dict[str, list[float]]:
        """All of them, after one invocation."""
        self._interpreter.invoke()
        return {
            name: np.asarray(self._interpreter.get_tensor(index), dtype=np.float64).reshape(-1).tolist()
            for name, index in self._outputs.items()
        }


def probe(models: Path = MODELS, *, rounds: int) -> Probe:
    """Runs every model of a folder; ``rounds`` of 2,000 invocations each are timed, 0 for none."""
    found = {}
    for path in sorted(models.glob("*.tflite")):
        opened = Opened(path.read_bytes())
        outputs = opened.outputs()
        found[path.name] = Probed(
            bytes=path.stat().st_size,
            windows=opened.windows,
            us_per_invoke=fastest_us(opened.invoke, rounds),
            us_per_window=fastest_us(opened.judge, rounds) / opened.windows,
            outputs=outputs,
        )
    return Probe(runtime=_runtime(), numpy=np.__version__, models=found)


def fastest_us(act: Any, rounds: int, *, calls: int = 2000) -> float:  # noqa: ANN401 - anything that can be called
    """The smallest of the rounds' means, µs: what else the machine does only ever adds."""
    best = 0.0
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(calls):
            act()
        taken = (time.perf_counter() - began) / calls * 1e6
        best = min(best or taken, taken)
    return round(best, 2)


def resident_kib() -> int:
    """Memory of this process after the model of eight channels was opened and has judged a window, proc(5)."""
    channels = np.ones(VARIANTS[0], dtype=np.float32)
    window = np.ones((WINDOW_SCANS, VARIANTS[0]), dtype=np.float32)
    LevelModel.load(None, len(channels)).score(window, window, Normal(*[channels] * len(Normal._fields)))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def _filled(detail: Any, random: np.random.Generator) -> np.ndarray[Any, Any]:  # noqa: ANN401 - the runtime's own
    kind = np.dtype(detail["dtype"])
    uniform = random.uniform(0.1, 1.0, size=tuple(detail["shape"]))
    return uniform.astype(kind) if kind.kind == "f" else (100 * uniform).astype(kind)


def _runtime() -> str:
    """The one ``interpreter_class`` found first."""
    for name in _DISTRIBUTIONS:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return "unknown"


def main() -> int:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(description="Run every shipped model on this environment's runtime.")
    parser.add_argument("--rounds", type=int, default=0, help="of 2,000 timed invocations (0: not timed)")
    parser.add_argument("--resident", action="store_true", help="print only this process's memory with one model, KiB")
    options = parser.parse_args()
    said = resident_kib() if options.resident else probe(rounds=options.rounds)
    print(msgspec.json.encode(said).decode())  # noqa: T201 - the report of a command
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
