"""What ``stage`` writes, deployed as it is by the emulated nucleus, in both profiles and both sets of components."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEADLINE_S = 120

GATEWAY_SET = {
    "io.thresher.Gateway": "RUNNING",
    "io.thresher.FleetAgent": "RUNNING",
    "io.thresher.EdgeModel": "FINISHED",
}
SPLIT_SET = {
    "io.thresher.SensorReader": "RUNNING",
    "io.thresher.EdgeFilter": "RUNNING",
    "io.thresher.EventForwarder": "RUNNING",
    "io.thresher.FleetAgent": "RUNNING",
    "io.thresher.EdgeModel": "FINISHED",
}


def thresher(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "thresher", *arguments]


@contextmanager
def nucleus(root: Path, local: Path, profile: str, *components: str) -> Iterator[subprocess.Popen[str]]:
    command = ["nucleus", "run", "--profile", profile, "--thing", "press-3", "--root", str(root)]
    command += ["--recipes", str(local / "recipes"), "--artifacts", str(local / "artifacts")]
    for component in components:
        command += ["--component", f"{component}=1.0.0"]
    with (root.parent / "said.txt").open("w") as said:
        process = subprocess.Popen(thresher(*command), stdout=said, stderr=said, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def states(root: Path) -> dict[str, str]:
    done = subprocess.run(
        thresher("nucleus", "status", "--root", str(root), "--json"), capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {}
    status = json.loads(done.stdout.splitlines()[-1])
    return {name: one["state"] for name, one in status["components"].items()}


@pytest.mark.story
@pytest.mark.parametrize(
    ("profile", "roots", "expected"),
    [
        ("classic", ("io.thresher.Gateway", "io.thresher.FleetAgent"), GATEWAY_SET),
        ("lite", ("io.thresher.EventForwarder", "io.thresher.FleetAgent"), SPLIT_SET),
    ],
)
def test_a_staged_set_installs_itself_and_runs_with_what_it_depends_on(profile, roots, expected, output, tmp_path):
    root = tmp_path / "nucleus"
    with nucleus(root, output / "local", profile, *roots) as process:
        deadline = time.monotonic() + DEADLINE_S
        while states(root) != expected:
            assert process.poll() is None, (tmp_path / "said.txt").read_text()
            assert time.monotonic() < deadline, (states(root), (tmp_path / "said.txt").read_text())
            time.sleep(0.5)
