"""Every shipped model gives the same numbers on both TFLite runtimes."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.model import only, worst_difference
from device_agent.filters.signature import MAX_MODEL_BYTES, VARIANTS
from training.probe import MODELS, Opened, Probe, fastest_us, probe

ROOT = Path(__file__).parents[2]


@pytest.fixture(name="here", scope="module")
def _here() -> Probe:
    return probe(rounds=0)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="tflite-runtime ends at Python 3.11")
def test_both_runtimes_say_the_same_of_every_shipped_model(here: Probe) -> None:
    made = subprocess.run([ROOT / "tools/own-venv", "tflite"], capture_output=True, text=True, check=True, timeout=180)
    python = Path(made.stdout.splitlines()[-1]) / "bin" / "python"
    asked = [python, "-m", "training.probe"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, timeout=60)
    there = msgspec.json.decode(found.stdout, type=Probe)
    assert here.runtime.startswith("ai-edge-litert")
    assert there.runtime.startswith("tflite-runtime")
    exact, steps = (only(there, int8=kind) for kind in (False, True))
    assert worst_difference(exact, only(here, int8=False)) < 1e-5
    assert worst_difference(steps, only(here, int8=True)) < 2.5 * 8 / 127, "one step, over the readings that are there"


def test_every_shipped_model_is_probed_and_small(here: Probe) -> None:
    assert (
        set(here.models) == {path.name for path in MODELS.glob("*.tflite")} >= {f"level-{n}.tflite" for n in VARIANTS}
    )
    assert max(model.bytes for model in here.models.values()) <= MAX_MODEL_BYTES


def test_outputs_are_the_same_in_every_run_and_depend_on_what_is_put_in(here: Probe) -> None:
    data = (MODELS / "level-8.tflite").read_bytes()
    one, two = Opened(data), Opened(data)
    assert one.outputs() == two.outputs() == here.models["level-8.tflite"].outputs
    two.judge()  # another window
    assert two.outputs() != one.outputs()


def test_a_difference_is_that_of_the_worst_output(here: Probe) -> None:
    name = "level-8.tflite"
    model = here.models[name]
    changed = model.outputs | {"score": [model.outputs["score"][0] + 0.25]}
    other = msgspec.structs.replace(here, models=here.models | {name: msgspec.structs.replace(model, outputs=changed)})
    assert worst_difference(here, here) == 0
    assert worst_difference(other, here) == pytest.approx(0.25 / max(1, model.outputs["score"][0]), abs=1e-6)
    assert worst_difference(msgspec.structs.replace(here, models={}), here) == float("inf")


def test_the_fastest_round_is_what_counts() -> None:
    assert fastest_us(lambda: None, 0) == 0
    assert 0 < fastest_us(lambda: None, 2, calls=100) < 1000
