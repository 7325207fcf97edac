"""The components' own programs as processes, under the emulated IPC of both nuclei; the SDK's client in between."""

import json
import signal
import subprocess
import sys
from collections import Counter

import pytest

from bench.bare_core import ROOT, THING, BareCore
from contract.codec import decode_envelope, decode_event, encode_stored
from contract.envelope import Stored
from contract.events import Lane
from contract.topics import stored_topic
from device_agent.greengrass.place import EDGE_FILTER, EDGE_MODEL, EVENT_FORWARDER, FLEET_AGENT, GATEWAY, SENSOR_READER
from device_agent.spool.sqlite import SqliteSpool
from tests.device_agent.greengrass.machinery import recording, until
from twin.jobs_service import serve

FAST = {"filter": {"calibration_scans": 128}, "summary_s": 0.5, "health_s": 1, "uplink": {"linger_s": 0.1}}


class Core(BareCore):
    """A core device, and the cloud behind it."""

    def said(self, component: str) -> str:
        return self.log(component).read_text()

    def status(self, component: str, name: str = "run-status.json") -> dict:
        try:
            return json.loads((self.work(component) / name).read_text())
        except FileNotFoundError:
            return {}

    def envelopes(self):
        topics = [each for each in list(self.broker.published) if each.topic.startswith("$aws/rules/")]
        return [decode_envelope(each.payload) for each in topics]

    def kinds(self) -> Counter:
        return Counter(type(decode_event(raw)).__name__ for each in self.envelopes() for raw in each.events)

    def store_all(self) -> None:
        """As the cloud does: never beyond what has not arrived."""
        through: dict[tuple[str, Lane], int] = {}
        for each in sorted(self.envelopes(), key=lambda each: each.first_seq):
            so_far = through.get((each.spool_id, each.lane), 0)
            if each.first_seq <= so_far + 1:
                through[each.spool_id, each.lane] = max(so_far, each.last_seq)
        for (spool_id, lane), last in through.items():
            stored = Stored(spool_id=spool_id, lane=lane, through=last)
            self.broker.say(stored_topic(THING), encode_stored(stored))

    def is_whole(self) -> bool:
        """Whether every sequence that was given out has arrived, up to the last that has."""
        by_lane: dict[str, set[int]] = {}
        for each in self.envelopes():
            by_lane.setdefault(each.lane, set()).update(range(each.first_seq, each.last_seq + 1))
        return all(seen == set(range(1, max(seen) + 1)) for seen in by_lane.values())


def ended_in_time(process: subprocess.Popen) -> int:
    """Its exit status after SIGTERM; a nucleus kills what takes five seconds."""
    process.send_signal(signal.SIGTERM)
    return process.wait(4.5)


@pytest.fixture
def lite():
    with Core("lite") as made:
        yield made


@pytest.fixture
def classic():
    with Core("classic") as made:
        yield made


def test_gateway_carries_everything_through_a_restart_of_the_ipc_server_and_a_time_offline(lite):
    lite.configure(GATEWAY, {**FAST, "sensors": [recording(lite.folder / "b.csv")]})
    process = lite.start(GATEWAY)
    until(lambda: lite.kinds()["Episode"] and lite.kinds()["Context"] and lite.kinds()["Summary"])
    lite.ipc.stop()
    accepted = lite.status(GATEWAY)["accepted"]
    until(lambda: lite.status(GATEWAY)["accepted"] > accepted + 2)
    lite.ipc.start()
    before = len(lite.envelopes())
    until(lambda: len(lite.envelopes()) > before + 2)
    lite.ipc.go_offline()
    accepted = lite.status(GATEWAY)["accepted"]
    until(lambda: lite.status(GATEWAY)["accepted"] > accepted + 2)
    lite.ipc.go_online()
    before = len(lite.envelopes())
    until(lambda: len(lite.envelopes()) > before + 2)
    until(lambda: lite.store_all() or lite.status(GATEWAY, "agent-status.json")["stored"]["events"])
    until(lite.is_whole)
    assert ended_in_time(process) == 0
    spool = SqliteSpool(lite.work(GATEWAY) / "spool.sqlite3")
    assert spool.counters().get("moved_aside", 0) == 0
    spool.close()


def test_the_split_set_carries_the_same(classic):
    components = (EDGE_FILTER, EVENT_FORWARDER, SENSOR_READER)
    for component in components:
        classic.configure(component, {**FAST, "sensors": [recording(classic.folder / "b.csv")]})
    processes = [classic.start(component) for component in components]
    until(lambda: classic.kinds()["Episode"] and classic.kinds()["Context"] and classic.kinds()["Summary"])
    until(classic.is_whole)
    assert [ended_in_time(each) for each in processes] == [0, 0, 0]
    assert classic.status(EDGE_FILTER)["counters"]["bench.blocks_lost"] == 0


def test_a_refused_token_ends_the_component_so_that_it_is_started_with_another(classic):
    classic.ipc.faults.refuse_tokens()
    process = classic.start(GATEWAY)
    assert process.wait(30) == 1
    assert "refused our token" in classic.said(GATEWAY)


def test_gateway_and_split_set_on_one_machine_are_refused_with_the_other_s_name(classic):
    classic.configure(GATEWAY, FAST)
    classic.start(GATEWAY)
    until(lambda: classic.status(GATEWAY).get("samples"))
    assert classic.start(EDGE_FILTER).wait(20) == 2
    assert "io.thresher.Gateway runs on this machine" in classic.said(EDGE_FILTER)


def test_a_deployment_may_begin_while_nothing_is_going_on_and_its_configuration_is_judged(classic):
    classic.configure(GATEWAY, FAST)
    classic.start(GATEWAY)
    until(lambda: classic.status(GATEWAY).get("samples"))
    assert classic.ipc.pre_update("d-1", timeout_s=20) == 0
    rejections = classic.ipc.validate({GATEWAY: {"summary_s": "soon"}}, "d-2", timeout_s=20)
    assert "$.summary_s" in rejections[GATEWAY]
    assert classic.ipc.validate({GATEWAY: {"summary_s": 5}}, "d-3", timeout_s=20) == {}


def test_a_configuration_that_changes_is_taken_without_a_restart(classic):
    classic.configure(GATEWAY, FAST)
    process = classic.start(GATEWAY)
    until(lambda: classic.status(GATEWAY).get("samples"))
    classic.configure(GATEWAY, {**FAST, "sensors": {"other": {"type": "host"}}})
    until(lambda: "other" in classic.status(GATEWAY).get("sensors", {}))
    assert process.poll() is None


def test_a_model_that_is_deployed_beside_it_is_taken_without_a_restart(classic):
    process = classic.start(GATEWAY)
    until(lambda: classic.status(GATEWAY).get("samples"))
    subprocess.run(
        [sys.executable, ROOT / "components/edge_model/main.py"],
        cwd=classic.work(EDGE_MODEL),
        env={"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    until(lambda: classic.status(GATEWAY)["counters"]["machine.models_taken"] == 1)
    assert process.poll() is None


def test_one_that_was_killed_goes_on_where_it_was(classic):
    classic.configure(GATEWAY, FAST)
    process = classic.start(GATEWAY)
    until(lambda: classic.kinds()["Summary"] > 1)
    process.kill()
    process.wait(5)
    before = classic.kinds()["Summary"]
    again = classic.start(GATEWAY)
    until(lambda: classic.kinds()["Summary"] > before + 1 and classic.is_whole())
    assert len({each.spool_id for each in classic.envelopes()}) == 1
    assert ended_in_time(again) == 0


def test_it_ends_in_time_under_a_nucleus_that_says_nothing(classic):
    process = classic.start(GATEWAY)
    until(lambda: classic.status(GATEWAY).get("samples"))
    classic.ipc.faults.mute()
    until(lambda: classic.status(GATEWAY)["accepted"])
    ended_in_time(process)
    spool = SqliteSpool(classic.work(GATEWAY) / "spool.sqlite3")
    assert spool.pending()["events"] >= 1
    spool.close()


def test_the_fleet_agent_carries_out_the_job_that_waits(lite):
    jobs = serve(lite.broker, THING)
    command = {"name": "say yes", "type": "runCommand", "input": {"command": "/bin/true"}}
    jobs.ledger.create("j-7", {"version": "1.0", "steps": [{"action": command}]})
    lite.configure(FLEET_AGENT, {"fleet": {"commands": {"commands": ["/bin/true"]}}})
    process = lite.start(FLEET_AGENT)
    until(lambda: jobs.ledger.of("j-7").said == ["IN_PROGRESS", "SUCCEEDED"])
    assert ended_in_time(process) == 0
