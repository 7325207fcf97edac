"""A model that is deployed: published whole or not at all, taken between windows, or refused with the last good one."""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import models as shipped
from device_agent.clock import SimulatedClock
from device_agent.condenser import Condenser, Shape, Surroundings
from device_agent.config import convert
from device_agent.filters.model import LevelModel
from device_agent.filters.published import PublishedModels
from device_agent.greengrass import published_model
from device_agent.greengrass.published_model import CURRENT, KEPT, RefusedError, publish
from device_agent.identity import Identity
from device_agent.sensors.port import Channel, Scan

SHIPPED = Path(shipped.__file__).parent
CHANNELS = (Channel(name="a", floor=1.0), Channel(name="b", floor=1.0))


@pytest.fixture
def new_release(tmp_path):
    """Makes a folder of model files like the shipped ones, of another version."""

    def make(version, *, spoilt=False):
        folder = tmp_path / f"release-{version}"
        folder.mkdir(exist_ok=True)
        card = json.loads((SHIPPED / "level.card.json").read_text()) | {"version": version}
        for name in card["files"]:
            data = (SHIPPED / name).read_bytes()
            (folder / name).write_bytes(data[:-1] + b"x" if spoilt else data)
            if spoilt:
                card["files"][name]["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        (folder / "level.card.json").write_text(json.dumps(card))
        return folder

    return make


def test_a_published_version_is_whole_and_current_leads_to_it(new_release, tmp_path):
    into = tmp_path / "work"
    folder = publish(new_release(7), into)
    assert (into / CURRENT).resolve() == folder.resolve()
    assert folder.name.startswith("v7-")
    assert {each.name for each in folder.iterdir()} == {each.name for each in new_release(7).iterdir()}
    assert publish(new_release(7), into) == folder


def test_a_file_with_other_bytes_than_its_card_states_changes_nothing(new_release, tmp_path):
    into = tmp_path / "work"
    good = publish(new_release(1), into)
    bad = new_release(2)
    (bad / "level-8.tflite").write_bytes(b"other")
    with pytest.raises(RefusedError, match=r"level-8\.tflite"):
        publish(bad, into)
    assert (into / CURRENT).resolve() == good.resolve()
    assert sorted(each.name for each in into.iterdir()) == [CURRENT, good.name]


def test_a_folder_that_a_power_cut_spoilt_is_written_again(new_release, tmp_path):
    into = tmp_path / "work"
    folder = publish(new_release(1), into)
    (folder / "level-8.tflite").write_bytes(b"")
    assert publish(new_release(1), into) == folder
    assert (folder / "level-8.tflite").read_bytes() == (SHIPPED / "level-8.tflite").read_bytes()


def test_old_versions_go_and_what_is_not_a_version_stays(new_release, tmp_path):
    into = tmp_path / "work"
    (into / "runtime" / "1234").mkdir(parents=True)
    folders = [publish(new_release(version), into) for version in range(1, 7)]
    left = {each.name for each in into.iterdir()}
    assert {CURRENT, "runtime", folders[-1].name} <= left
    assert len([each for each in folders if each.name in left]) == KEPT


def test_it_runs_with_the_systems_python_and_nothing_installed(new_release, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    command = [sys.executable, "-I", "-S", published_model.__file__, str(new_release(3))]
    program = (
        f"import runpy, sys; sys.argv = {command[3:]!r}; sys.exit(runpy.run_path(sys.argv[0])['main'](sys.argv[1:]))"
    )
    subprocess.run([*command[:3], "-c", program], cwd=work, check=True, capture_output=True)
    assert (work / CURRENT / "level.card.json").is_file()
    (new_release(4) / "level-8.tflite").unlink()
    failed = subprocess.run(
        [*command[:3], "-c", program.replace("release-3", "release-4")],
        cwd=work,
        check=False,
        capture_output=True,
        text=True,
    )
    assert failed.returncode == 1
    assert "the last good model stays" in failed.stderr


@pytest.fixture
def condenser(tmp_path):
    events = []
    document = {
        "gateway": "g",
        "state_dir": str(tmp_path / "state"),
        "sensors": [{"type": "host", "name": "h"}],
        "filter": {"calibration_scans": 128},
    }
    models = PublishedModels(tmp_path / "work" / CURRENT)
    around = Surroundings(
        convert(document, source="t"), Identity("g", "b" * 32), SimulatedClock(), events.extend, models
    )
    made = Condenser(Shape("bench", CHANNELS, 10.0), around)
    taken = [0]

    def scans(count):
        first = taken[0]
        taken[0] += count
        return [
            Scan(seq, 1_700_000_000_000 + seq * 100, seq * 100_000_000, (1.0 + seq % 3, 2.0 + seq % 2), {})
            for seq in range(first, first + count)
        ]

    made.scans = scans
    return made


def test_a_new_model_is_taken_between_scans_without_a_restart(condenser, new_release, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    condenser.take(condenser.scans(300))
    windows = condenser.windows
    assert condenser.state == "armed"
    publish(new_release(9), tmp_path / "work")
    condenser.take(condenser.scans(100))
    assert condenser.counters["models_taken"] == 1
    assert "level-8 v9" in next(record.model for record in caplog.records if record.message == "model.taken")
    assert condenser.state == "armed", "the same bytes need no new calibration"
    assert condenser.windows > windows


def test_a_model_that_cannot_be_used_is_refused_and_the_last_good_one_stays(condenser, new_release, tmp_path):
    condenser.take(condenser.scans(300))
    folder = publish(new_release(9), tmp_path / "work")
    condenser.take(condenser.scans(10))
    bad = publish(new_release(10), tmp_path / "work")
    (bad / "level-8.tflite").write_bytes(b"spoilt after it was published")
    condenser.take(condenser.scans(100))
    assert (condenser.counters["models_taken"], condenser.counters["models_refused"]) == (1, 1)
    assert condenser.state == "armed"
    assert folder != bad


def test_at_a_start_the_shipped_model_stands_in_for_one_that_cannot_be_used(new_release, tmp_path, caplog):
    folder = publish(new_release(9), tmp_path / "work")
    shutil.rmtree(folder)
    opened = PublishedModels(tmp_path / "work" / CURRENT).begin(2)
    assert opened.sha256 == LevelModel.load(None, 2).sha256
    assert [record.message for record in caplog.records] == ["model.refused"]
