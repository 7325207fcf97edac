"""The filter's model: size, speed and memory on every runtime that is here, and the rivals' speeds in the same run.

Each environment is asked in a process of its own: ``.venv``, ``.venv-tflite`` (the other runtime, see
``tools/own-venv``) and ``.venv-training`` (the rivals' libraries, ``make evaluate``). What is not installed has a row
that says so. Everything runs on one thread. Times are the fastest round's: other work on the machine only ever adds.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from device_agent.errors import ThresherError
from training.probe import Probe
from training.speed import Speed

MOST_US_PER_WINDOW: Final = 6.0
MOST_FILE_BYTES: Final = 64 * 1024
MOST_RESIDENT_MIB: Final = 24.0
LEAST_WINDOWS_PER_S: Final = 150_000
MOST_DIFFERENCE: Final = 1e-5
ROUNDS: Final = 15
NAME: Final = "level-8.tflite"
"""Of the model whose window is 64 scans of 8 channels."""

_ROOT: Final = Path(__file__).resolve().parent.parent
_TIMEOUT_S: Final = 300
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_NUMPY: Final = "import numpy; print(*[l.split()[1] for l in open('/proc/self/status') if l.startswith('VmRSS:')])"


class OnRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """One runtime.

    Attributes:
        runtime: Name and version, or why there is none.
        numpy: Version.
        us_per_invoke: The graph for a window of 64 by 8, one thread, µs.
        us_per_window: The same with copying the window in and reading the score, µs.
        windows_per_s: The most that any shipped model judges that way, batched if there is one that is.
        resident_over_numpy_mib: Memory of interpreter and model, over that of a process that imported numpy.
        worst_difference: Largest relative difference of any float model's output from the first runtime's.
        worst_int8_difference: Same for int8 models, which may differ by a step of their quantisation (0.063), or twice
            that where half of the readings are missing; the probe's inputs miss half.
    """

    runtime: str
    numpy: str = ""
    us_per_invoke: float | None = None
    us_per_window: float | None = None
    windows_per_s: int | None = None
    resident_over_numpy_mib: float | None = None
    worst_difference: float | None = None
    worst_int8_difference: float | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The section.

    Attributes:
        runtimes: By environment.
        model_bytes: By file.
        rows_per_s: By detector; see ``training.speed``.
        passed: Every figure keeps its limit on every runtime that is here.
    """

    runtimes: dict[str, OnRuntime]
    model_bytes: dict[str, int]
    rows_per_s: dict[str, Speed]
    passed: bool


class ProbeError(ThresherError):
    """A measuring process failed."""


def run() -> Result:
    """Measures; raises ``ProbeError`` where a process fails."""
    here = Path(sys.executable)
    first = _probe(here)
    runtimes = {".venv": _row(here, first, first)}
    other = _python(".venv-tflite")
    if other is None:
        runtimes[".venv-tflite"] = OnRuntime(runtime="not installed: tools/own-venv tflite (Python 3.11)")
    else:
        runtimes[".venv-tflite"] = _row(other, _probe(other), first)
    rivals = _python(".venv-training") or here
    speeds = msgspec.json.decode(_output(rivals, "-m", "training.speed"), type=dict[str, Speed])
    sizes = {name: model.bytes for name, model in first.models.items()}
    good = max(sizes.values()) <= MOST_FILE_BYTES and all(map(keeps, runtimes.values()))
    return Result(runtimes=runtimes, model_bytes=sizes, rows_per_s=speeds, passed=good)


def _row(python: Path, probe: Probe, first: Probe) -> OnRuntime:
    model = probe.models[NAME]
    alone_kib, with_model_kib = (
        int(_output(python, *asked)) for asked in (("-c", _NUMPY), ("-m", "training.probe", "--resident"))
    )
    return OnRuntime(
        runtime=probe.runtime,
        numpy=probe.numpy,
        us_per_invoke=model.us_per_invoke,
        us_per_window=model.us_per_window,
        windows_per_s=round(max(1e6 / each.us_per_window for each in probe.models.values())),
        resident_over_numpy_mib=round((with_model_kib - alone_kib) / 1024, 1),
        worst_difference=worst_difference(only(probe, int8=False), only(first, int8=False)),
        worst_int8_difference=worst_difference(only(probe, int8=True), only(first, int8=True)),
    )


def only(found: Probe, *, int8: bool) -> Probe:
    """The models of one kind."""
    kind = {name: model for name, model in found.models.items() if name.endswith("-int8.tflite") == int8}
    return msgspec.structs.replace(found, models=kind)


def worst_difference(one: Probe, other: Probe) -> float:
    """Largest of all outputs, relative to the larger of 1 and the output; infinite where one lacks a model."""
    if one.models.keys() != other.models.keys():
        return float("inf")
    differences = (
        abs(mine - theirs) / max(1.0, abs(theirs))
        for name, model in one.models.items()
        for output, values in model.outputs.items()
        for mine, theirs in zip(values, other.models[name].outputs[output], strict=True)
    )
    return max(differences, default=0.0)


def keeps(row: OnRuntime) -> bool:
    """Whether a runtime keeps every limit; one that is not installed breaks none."""
    if row.us_per_invoke is None or row.resident_over_numpy_mib is None or row.windows_per_s is None:
        return True
    fast = row.us_per_invoke <= MOST_US_PER_WINDOW and row.windows_per_s >= LEAST_WINDOWS_PER_S
    same = (row.worst_difference or 0.0) <= MOST_DIFFERENCE
    return fast and same and row.resident_over_numpy_mib <= MOST_RESIDENT_MIB


def _python(venv: str) -> Path | None:
    python = _ROOT / venv / "bin" / "python"
    return python if python.exists() and (_ROOT / venv / ".ready").exists() else None


def _probe(python: Path) -> Probe:
    return msgspec.json.decode(_output(python, "-m", "training.probe", "--rounds", str(ROUNDS)), type=Probe)


def _output(python: Path, *arguments: str) -> bytes:
    asked = [str(python), *arguments]
    alone = os.environ | _ONE_THREAD
    done = subprocess.run(asked, cwd=_ROOT, env=alone, capture_output=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode != 0:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"])[-1]
        raise ProbeError(f"{' '.join(asked)}: {last}", remedy="run it alone")
    return done.stdout
