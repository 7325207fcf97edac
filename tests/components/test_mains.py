"""The programs a nucleus runs: short, and with no more in them than a component needs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAINS = sorted((ROOT / "components").glob("*/main.py"))


@pytest.mark.parametrize("main", MAINS, ids=lambda main: main.parent.name)
def test_a_main_has_at_most_fifteen_lines(main):
    assert len(main.read_text().splitlines()) <= 15


def test_there_is_one_for_each_component():
    assert {main.parent.name for main in MAINS} == {
        "gateway",
        "sensor_reader",
        "edge_filter",
        "event_forwarder",
        "fleet_agent",
        "edge_model",
    }


@pytest.mark.parametrize(
    ("main", "not_needed"),
    [
        ("sensor_reader", ("numpy", "ai_edge_litert")),
        ("event_forwarder", ("numpy", "ai_edge_litert", "gpiozero")),
        ("fleet_agent", ("numpy", "ai_edge_litert", "gpiozero")),
        ("edge_model", ("numpy", "ai_edge_litert", "gpiozero", "awsiot", "msgspec", "psutil")),
    ],
)
def test_a_component_imports_nothing_that_its_archive_does_not_hold(main, not_needed):
    path = ROOT / "components" / main / "main.py"
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import runpy, sys; runpy.run_path({str(path)!r}); print(*sys.modules)",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not set(not_needed) & set(found)


def test_a_component_started_by_hand_says_what_to_do():
    done = subprocess.run(
        [sys.executable, ROOT / "components/gateway/main.py"],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "start this component by the nucleus" in done.stderr
