"""docs/nucleus-emulator.md, followed to the letter: its commands are run as they stand there."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/nucleus-emulator.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def shell(place):
    """Runs a block as a user would; `python3` has the SDK, as the document asks for."""
    tools = place / "tools"
    tools.mkdir()
    for name, command in (("python3", sys.executable), ("thresher", f"{sys.executable} -m thresher")):
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (tools / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def shell(block):
        return subprocess.Popen(["/bin/sh", "-ec", block], cwd=place, env=environment, stdout=-1, stderr=-2, text=True)

    return shell


def until(met, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_document_runs_as_it_is_written(shell, place):
    write, start, use = BLOCKS
    written = shell(write)
    assert written.communicate(timeout=10) == ("", None)
    assert written.returncode == 0
    nucleus = shell(f"exec {start}")
    log = place / ".nucleus/logs/com.example.Hello.log"
    try:
        until(lambda: log.exists() and "heard b'hi'" in log.read_text(encoding="utf-8"))
        for line in use.strip().splitlines():
            done = shell(line)
            out = done.communicate(timeout=40)[0]
            assert done.returncode == 0, f"{line}: {out}"
            if line.endswith("status"):
                assert "com.example.Hello" in out
                assert "RUNNING" in out
            if line.endswith("logs com.example.Hello"):
                assert "heard" in out
            if "deploy" in line:
                assert "SUCCEEDED" in out
    finally:
        nucleus.terminate()
        out = nucleus.communicate(timeout=20)[0]
    assert nucleus.returncode == 0, out
    assert "nucleus classic in" in out


def test_the_component_has_ten_lines():
    body = re.search(r"<<'END'\n(.*?)END", BLOCKS[0], re.DOTALL)
    assert len([line for line in body[1].splitlines() if line]) <= 10
