import json
import subprocess
import sys
from pathlib import Path

from cloud_functions.adapters.emf import metrics_line
from tests.cloud_functions.make import NOW_MS

ROOT = Path(__file__).parents[2]


def test_importing_a_function_needs_no_environment_and_makes_no_client() -> None:
    program = (
        "import cloud_functions.handlers.alert, cloud_functions.handlers.ingest, cloud_functions.handlers.query\n"
        "import gc, botocore.client\n"
        "assert not [one for one in gc.get_objects() if isinstance(one, botocore.client.BaseClient)]"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_one_line_is_log_entry_and_metrics() -> None:
    line = metrics_line("ingest.batch", {"blocks": 2, "failed": 0}, wall_ms=NOW_MS, problems=["table: no"])
    entry = json.loads(line)
    (directive,) = entry["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"] for metric in directive["Metrics"]} == {"blocks", "failed"}
    assert (entry["event"], entry["blocks"], entry["failed"]) == ("ingest.batch", 2, 0)
    assert entry["problems"] == ["table: no"]
    assert "\n" not in line


def test_a_batch_without_problems_mentions_none() -> None:
    assert "problems" not in json.loads(metrics_line("x", {}, wall_ms=NOW_MS))
