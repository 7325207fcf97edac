"""A short run of ``make faults``: real processes, a few injections of each of the quickest faults."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]


def test_a_short_run_of_the_faults_keeps_every_promise() -> None:
    command = [sys.executable, "-m", "bench.faults", "--quick", "--json", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])["faults"]
    assert {row["fault"] for row in rows} >= {"kill_run", "kill_agent", "kill_at_step", "disk_full", "spool_corrupted"}
    assert all(row["injected"] and row["accepted"] and row["stored"] for row in rows)
    assert [row["fault"] for row in rows if row["lost"] or row["duplicates"]] == []
