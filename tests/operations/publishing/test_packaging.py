"""The real archives of this machine's architecture, installed offline into empty folders, as a nucleus does."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from operations.publishing.lint import lint
from operations.publishing.stage import Order, stage
from tests.operations.publishing.checkout import sha256
from tests.operations.publishing.real import ARCHITECTURE, COMPONENTS, PYTHON, ROOT

IMPORT = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='imported')"
INFER = """
from importlib.resources import files
from ai_edge_litert.interpreter import Interpreter
model = Interpreter(model_path=str(files("models") / "level-8.tflite"))
model.allocate_tensors()
model.invoke()
"""


def offline(*command: str) -> list[str]:
    """Without any network, where the kernel lets us take it away."""
    unshare = shutil.which("unshare")
    can = unshare and subprocess.run([unshare, "-rn", "true"], check=False, capture_output=True).returncode == 0
    return [unshare, "-rn", *command] if unshare and can else [*command]


def archive_of(output: Path, name: str) -> Path:
    return output / "local" / "artifacts" / name / "1.0.0" / f"{name}-{ARCHITECTURE}.zip"


def run(command: list[str], work: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", COMPONENTS)
def test_an_archive_installs_offline_and_has_all_that_its_component_imports(name, output, tmp_path):
    done = run(offline(sys.executable, "-I", str(archive_of(output, name)), "install"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (runtime,) = [path for path in (tmp_path / "runtime").iterdir() if path.is_dir()]
    python = str(runtime / "bin" / "python")
    done = run([python, "-c", IMPORT, str(runtime / "main.py")], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    if name in ("io.thresher.Gateway", "io.thresher.EdgeFilter"):
        assert run([python, "-c", INFER], tmp_path).returncode == 0


def test_the_model_component_publishes_its_model_and_ends(output, tmp_path):
    done = run(offline(sys.executable, "-I", str(archive_of(output, "io.thresher.EdgeModel")), "run"), tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "current" / "level.card.json").is_file()


def test_what_is_staged_for_a_nucleus_is_clean_and_complete(output):
    assert lint([output / "local" / "recipes"]) == []


def test_every_component_is_staged_for_gdk(output):
    for name in COMPONENTS:
        staged = {path.name for path in (output / "gdk" / name).iterdir()}
        assert staged == {"gdk-config.json", "recipe.yaml", "gdk_build.py", f"{name}-{ARCHITECTURE}.zip"}


def test_only_what_filters_carries_a_model_runtime(output):
    held = {name: zipfile.ZipFile(archive_of(output, name)).namelist() for name in COMPONENTS}
    assert {name for name, files in held.items() if any("ai_edge_litert" in file for file in files)} == {
        "io.thresher.Gateway",
        "io.thresher.EdgeFilter",
    }


def test_what_only_forwards_stays_small(output):
    sizes = {name: archive_of(output, name).stat().st_size for name in COMPONENTS}
    assert sizes["io.thresher.EventForwarder"] < 10_000_000
    assert sizes["io.thresher.FleetAgent"] < 14_000_000, "it verifies signatures"
    assert sizes["io.thresher.EdgeModel"] < 2_000_000


def test_staging_the_real_thing_again_gives_the_same_bytes(output):
    name = "io.thresher.FleetAgent"
    before = sha256(archive_of(output, name))
    stage(Order(root=ROOT, output=output, names=(name,), architectures=(ARCHITECTURE,), pythons=(PYTHON,)))
    assert sha256(archive_of(output, name)) == before
