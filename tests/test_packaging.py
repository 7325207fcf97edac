"""What is installed is what was tested: the built wheel, not the checkout."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("contract", "device_agent", "cloud_functions", "thresher", "twin", "training", "models", "dashboard")
OUTSIDE = Path("/")
"""A working folder in which the checkout cannot be imported by accident."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", output, source]
    subprocess.run([sys.executable, "-m", "pip", *map(str, build)], check=True, timeout=120)
    (built,) = output.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(installed, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=OUTSIDE,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "needed",
    [
        "models/level-8.tflite",
        "models/level.card.json",
        "contract/schemas/envelope.schema.json",
        "cloud_functions/template.yaml",
        "dashboard/index.html",
        "dashboard/page/model.js",
        "dashboard/vendor/LICENSE.uplot.txt",
        "twin/recordings/cpu_burn.csv",
        "device_agent/sensors/host.py",
    ],
)
def test_the_wheel_holds_what_runs_need(installed, needed):
    assert (installed / needed).stat().st_size > 0


def test_the_wheel_holds_no_tests_and_no_leftovers(installed):
    odd = [
        path for path in installed.rglob("*") if "tests" in path.parts or path.suffix in {".pyc", ".tmp", ".sqlite3"}
    ]
    assert not odd


def test_the_installed_command_line_runs(installed):
    done = run(installed, "-m", "thresher", "run", "--help")
    assert done.returncode == 0, done.stderr
    assert "--config" in done.stdout


def test_the_installed_model_loads(installed):
    code = (
        "import device_agent; from device_agent.filters.model import LevelModel;"
        "print(device_agent.__file__); print(LevelModel.load(None, 7).label)"
    )
    done = run(installed, "-c", code)
    assert done.returncode == 0, done.stderr
    where, label = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert label
