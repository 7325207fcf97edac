"""No fault in an update costs more than the order, and the harness would notice if one did."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.updates.helpers import BAD
from bench.updates.judging import broken, spooled
from bench.updates.lives import ENDED, HUNG, Fault, live, named
from bench.updates.place import ORDER
from bench.updates.trials import Ground, ground_of
from device_agent.fleet.update import links

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.timeout(200)


@pytest.mark.story
def test_an_update_survives_everything_in_every_phase() -> None:
    command = [sys.executable, "-m", "bench.updates", "--share", "0.02", "--seed", "7", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["fault"]: row for row in json.loads(done.stdout.splitlines()[-1])["faults"]}
    assert list(rows) == [
        "update_killed", "update_killed_twice", "update_reboot_loop", "update_hangs", "update_fails",
        "update_stranded", "update_disk_full", "update_power_cut",
    ]  # fmt: skip
    assert all(row["injected"] >= 12 and row["accepted"] for row in rows.values())
    assert [row["fault"] for row in rows.values() if row["lost"] or row["duplicates"] or row["failed"]] == []


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return ground_of("model", tmp_path / "ground")


def test_a_killed_life_leaves_its_journal_and_the_next_one_ends_the_order(ground: Ground) -> None:
    place = ground.place
    assert live(place, Fault("kill", named("target.activate.end"))) == -9
    assert place.look().phase == "activate"
    assert live(place) == ENDED
    assert place.look().ended[ORDER].status == "FAILED"
    assert broken(place, ground.whole, expected="FAILED") == []


def test_a_life_that_hangs_is_ended_because_it_is_overdue(ground: Ground) -> None:
    assert live(ground.place, Fault("hang", named("target.stage.begin"))) == HUNG
    assert live(ground.place) == ENDED


def test_the_judge_notices_whatever_is_wrong(ground: Ground) -> None:
    place = ground.place
    assert broken(place, ground.whole) == ["the order is not over: idle"]
    live(place)
    assert broken(place, ground.whole, expected="SUCCEEDED") == []
    assert "FAILED was right" in broken(place, ground.whole, expected="FAILED")[0]
    used = place.root / links.active(place.root)
    (used / "version").write_bytes(b"1.1.1")
    assert any("not whole" in one for one in broken(place, ground.whole))
    shutil.copytree(used, place.root / "1.0.5-0123456789ab")
    (place.update / "download").mkdir()
    assert len([one for one in broken(place, ground.whole) if one.startswith("left over")]) == 2
    links.point(place.root, "1.0.5-0123456789ab")
    assert any(one.startswith("SUCCEEDED, and 1.0.5-0123456789ab is in use") for one in broken(place, ground.whole))
    assert any("said to be installed" in one for one in broken(place, ground.whole))


def test_the_judge_notices_events_that_are_gone(ground: Ground) -> None:
    live(ground.place, verdict=BAD)
    with ground.place.ledger.open("ab") as ledger:
        ledger.write((77).to_bytes(8, "big"))
    found = spooled(ground.place)
    assert (found.lost, found.accepted - found.stored, found.twice) == (1, 1, 0)
