"""A document that changes under a running process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from device_agent.config import load_layers
from device_agent.crew import Stage, what_forwarding_needs, what_sensing_needs
from device_agent.errors import ConfigError, SpoolError
from device_agent.reloading import LOOK_EVERY_S, FileChanges, Watched, serve

TEXT = """
gateway: g
extends: {site: hall.yaml}
state_dir: state
health_s: 60
sensors: [{type: host, name: machine, rate_hz: 5}]
"""
PATIENCE_S = 20


class Watching:
    """A document's folder, its watch, and a clock that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gateway.yaml"
        self.site = folder / "hall.yaml"
        self.site.write_text("summary_s: 30\n")
        self.path.write_text(TEXT)
        self.loaded = load_layers(self.path)
        self.now_s = 0.0
        self.changes = FileChanges(self.path, self.loaded, monotonic_s=lambda: self.now_s)
        self._writes = 0

    def write(self, old: str = "", new: str = "", *, file: Path | None = None) -> None:
        file = file or self.path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new) if old else new)
        self._writes += 1
        os.utime(file, ns=(self._writes, self._writes))  # two writes within one tick of the file system's clock

    def look(self, *, times: int = 1, at_once: bool = False):
        found = None
        for _ in range(times):
            self.now_s += LOOK_EVERY_S
            found = self.changes.take(self.loaded.config, at_once=at_once) or found
        return found

    @property
    def refusal(self) -> str:
        return " ".join(self.changes.notice().degraded)


@pytest.fixture
def watching(tmp_path):
    return Watching(tmp_path)


def test_nothing_is_read_while_nothing_changes(watching):
    assert watching.look(times=5) is None
    assert watching.changes.notice().counters == {"configuration_taken": 0, "configuration_refused": 0}


def test_a_change_is_taken_once_two_looks_agree(watching):
    watching.write("health_s: 60", "health_s: 30")
    assert watching.look() is None
    assert watching.look().health_s == 30


def test_a_file_that_is_still_being_written_is_waited_for(watching):
    for seconds in (10, 20, 30):
        watching.write("health_s", f"summary_s: {seconds}\nhealth_s") if seconds == 10 else watching.write(
            "\n", "\n# \n"
        )
        assert watching.look() is None
    assert watching.look().summary_s == 10


def test_a_change_of_a_layer_is_a_change(watching):
    watching.write("summary_s: 30", "summary_s: 20", file=watching.site)
    assert watching.look(times=2).summary_s == 20


def test_a_comment_restarts_nothing(watching):
    watching.write("health_s", "# for the night shift\nhealth_s")
    assert watching.look(times=3) is None
    assert watching.refusal == ""


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("health_s: 60", "health_s: often", "$.health_s"),
        ("rate_hz: 5", "rate_hz: 5, channels: {cpu: {low: 0}}", "unknown channel `cpu`"),
        ("state_dir: state", "state_dir: other", "$.state_dir"),
        ("gateway: g", "gateway: h", "$.gateway"),
        ("site: hall.yaml", "site: hull.yaml", "hull.yaml"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place_once(watching, old, new, place):
    watching.write(old, new)
    assert watching.look(times=6) is None
    assert place in watching.refusal
    assert watching.changes.notice().counters["configuration_refused"] == 1


def test_a_refusal_ends_when_the_document_is_mended(watching):
    watching.write("health_s: 60", "health_s: often")
    watching.look(times=2)
    watching.write("health_s: often", "health_s: 60")
    assert watching.look(times=2) is None
    assert watching.refusal == ""


def test_a_file_that_goes_away_for_a_moment_costs_nothing(watching):
    text = watching.path.read_text()
    watching.path.unlink()
    watching.look(times=2)
    assert "gateway.yaml" in watching.refusal
    watching.path.write_text(text)
    watching.look(times=2)
    assert watching.refusal == ""


def test_a_look_that_was_asked_for_waits_for_nothing(watching):
    watching.write("health_s: 60", "health_s: 30")
    assert watching.changes.take(watching.loaded.config, at_once=True).health_s == 30


def test_a_change_of_the_uplink_concerns_only_the_forwarding_process(watching):
    before = watching.loaded.config
    key = "uplink: {endpoint: e, certificate: c, private_key: k, ca: a}\nhealth_s"
    watching.write("health_s", key)
    first = watching.look(times=2)
    watching.write("endpoint: e", "endpoint: f")
    second = watching.look(times=2)
    assert what_sensing_needs(first) == what_sensing_needs(second) != what_sensing_needs(before)
    assert what_forwarding_needs(first) != what_forwarding_needs(second)


class Serving:
    """``serve`` on a thread, with a stage that fails where a document says so."""

    def __init__(self, watching: Watching, failure: Exception) -> None:
        self.worked_by: list[float] = []
        self._failure = failure
        self._look, self._stop = threading.Event(), threading.Event()
        self.ended_with: BaseException | None = None
        changes = FileChanges(watching.path, watching.loaded)
        self.notice = changes.notice
        self.in_use = lambda: changes.in_use.health_s
        self._watched = Watched(watching.loaded, changes, self._look)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def look(self) -> None:
        self._look.set()

    def end(self) -> None:
        self._stop.set()
        self.join()

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            serve(Stage("work", lambda config: config, self._work), self._watched, self._stop)
        except BaseException as exc:  # noqa: BLE001 - handed to the test
            self.ended_with = exc

    def _work(self, config, halt):
        self.worked_by.append(config.health_s)
        if config.health_s == 13:
            raise self._failure
        halt.wait(PATIENCE_S)


def wait_for(condition):
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "in vain"
        threading.Event().wait(0.02)


def test_a_document_that_this_machine_cannot_do_leads_back_to_the_last_good_one(watching):
    serving = Serving(watching, ConfigError("no such bus", remedy="wire it"))
    wait_for(lambda: serving.worked_by == [60])
    watching.write("health_s: 60", "health_s: 13")
    serving.look()
    wait_for(lambda: serving.worked_by == [60, 13, 60])
    wait_for(lambda: serving.notice().degraded == ["the configuration is not taken: no such bus"])
    assert serving.in_use() == 60
    watching.write("health_s: 13", "health_s: 30")
    serving.look()
    wait_for(lambda: serving.worked_by[-1] == 30)
    wait_for(lambda: serving.in_use() == 30)
    serving.end()
    assert serving.ended_with is None


def test_a_failure_that_is_no_mistake_of_the_document_ends_the_process(watching):
    serving = Serving(watching, SpoolError("the disk is gone"))
    watching.write("health_s: 60", "health_s: 13")
    serving.look()
    serving.join()
    assert isinstance(serving.ended_with, SpoolError)


def test_a_first_document_that_this_machine_cannot_do_ends_the_process(watching):
    watching.write("health_s: 60", "health_s: 13")
    watching.loaded = load_layers(watching.path)
    serving = Serving(watching, ConfigError("no such bus"))
    serving.join()
    assert isinstance(serving.ended_with, ConfigError)
    assert serving.worked_by == [13]


def test_a_running_process_takes_another_rate_on_sighup_and_refuses_nonsense(watching):
    command = [sys.executable, "-m", "thresher", "run", "--config", str(watching.path)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status = watching.path.parent / "state/run-status.json"

    def told():
        return json.loads(status.read_text()) if status.exists() else {"sensors": {}, "degraded": []}

    def rate():
        return told()["sensors"].get("machine", {}).get("rate_hz")

    try:
        wait_for(lambda: rate() == 5)
        watching.write("rate_hz: 5", "rate_hz: 20")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: rate() == 20)
        watching.write("rate_hz: 20", "rate_hz: often")
        wait_for(lambda: any("$.sensors[0].rate_hz" in each for each in told()["degraded"]))
        assert rate() == 20
        assert told()["counters"]["configuration_taken"] == 1
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
