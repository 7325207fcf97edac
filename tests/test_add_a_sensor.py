"""docs/add-a-sensor.md, followed to the letter in a copy of the repository."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/add-a-sensor.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^`([\w./-]+)`:$", re.MULTILINE)
LEFT_BEHIND = shutil.ignore_patterns(
    ".venv*", ".git", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis"
)
PATIENCE_S = 300


class Step(NamedTuple):
    kind: str
    file: str
    text: str


def steps() -> list[Step]:
    """Every block, with the file that was named last before it."""
    found = []
    for block in BLOCK.finditer(GUIDE):
        named = FILE.findall(GUIDE, 0, block.start())
        found.append(Step(block[1], named[-1] if named else "", block[2]))
    return found


def changed(text: str, diff: str) -> str:
    """The text with a diff's lines added; the lines that it shows as they are must be there, once."""
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert f"\n{text}\n".count(f"\n{before}\n") == 1, f"not there, or more than once:\n{before}"
    return f"\n{text}\n".replace(f"\n{before}\n", f"\n{after}\n")[1:-1]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The copy after every step, and what the commands printed."""
    copy = tmp_path_factory.mktemp("guide") / "checkout"
    shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    environment = {**os.environ, "PYTHONPATH": str(copy)}  # the command of .venv knows the checkout it was made in
    printed = ""
    for step in steps():
        file = copy / step.file
        if step.kind == "diff":
            file.write_text(changed(file.read_text(encoding="utf-8"), step.text.rstrip("\n")), encoding="utf-8")
        elif step.kind in ("python", "yaml"):
            assert not file.exists(), f"{step.file} is there already: choose another example"
            file.write_text(step.text, encoding="utf-8")
        elif step.kind == "sh":
            ended = subprocess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", step.text],
                cwd=copy, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            )  # fmt: skip
            assert ended.returncode == 0, f"{step.text}\n{ended.stdout}\n{ended.stderr}"
            printed += ended.stdout
        else:
            pytest.fail(f"nobody knows how to follow a block of {step.kind}")
    return printed


def test_the_guide_has_every_kind_of_step():
    assert {step.kind for step in steps()} == {"python", "diff", "yaml", "sh"}


def test_the_conformance_suite_ran_over_the_new_driver(followed):
    passed = re.search(r"(\d+) passed", followed)
    assert passed
    assert int(passed[1]) > 10


def test_its_commands_print_what_the_guide_says(followed):
    promised = re.search(r"``(good .*?)``", GUIDE)
    assert promised
    assert promised[1] in followed
    last = re.search(r"ends with `(.*?)`", GUIDE)
    assert last
    assert followed.rstrip().endswith(last[1])


def test_nothing_of_it_stays_in_this_repository(followed):
    assert followed
    assert not (ROOT / "device_agent/sensors/hwmon.py").exists()
