"""The components' own programs as processes, under the emulated IPC of both nuclei; the SDK's client in between."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.codec import decode_envelope, decode_event, encode_stored
from contract.envelope import Stored
from contract.topics import jobs_topic, stored_topic
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, FLEET_AGENT, GATEWAY, SENSOR_READER
from device_agent.spool.sqlite import SqliteSpool
from operations.publishing.policies import access_control
from tests.device_agent.greengrass.machinery import THING, recording, until
from twin.nucleus.broker import MemoryBroker
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.ipc import NucleusIpc, Surroundings
from twin.nucleus.profile import PROFILES
from twin.nucleus.registry import MemoryRegistry

ROOT = Path(__file__).parents[3]
MAINS = {
    GATEWAY: "gateway",
    SENSOR_READER: "sensor_reader",
    EDGE_FILTER: "edge_filter",
    EVENT_FORWARDER: "event_forwarder",
    FLEET_AGENT: "fleet_agent",
}
FAST = {"filter": {"calibration_scans": 128}, "summary_s": 0.5, "health_s": 1, "uplink": {"linger_s": 0.1}}


class Core:
    """A core device: the nucleus's IPC, its folders, and the cloud behind it."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder = folder
        self.profile = PROFILES[profile]
        self.broker = MemoryBroker()
        self.registry = MemoryRegistry()
        self.store = ConfigurationStore(None, self.profile)
        self.ipc = NucleusIpc(
            folder / self.profile.socket_name,
            self.registry,
            profile=self.profile,
            configuration=self.store,
            surroundings=Surroundings(thing_name=THING, broker=self.broker),
        )
        self._processes: list[subprocess.Popen] = []

    def work(self, component: str) -> Path:
        folder = self.folder / "work" / component
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def configure(self, component: str, merge: dict) -> None:
        """As a deployment does, but for the recipe's defaults."""
        access = access_control(component)
        resolved = self.store.resolve(component, defaults={"accessControl": access}, merge=merge, ms=1)
        for place in self.store.install(resolved):
            self.ipc.configuration_changed(component, place)

    def start(self, component: str) -> subprocess.Popen:
        token = self.registry.add(component, access_control(component))
        environment = {
            "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT": str(self.ipc.path),
            "SVCUID": token,
            "AWS_IOT_THING_NAME": THING,
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
        }
        with (self.folder / f"{component}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-u", ROOT / "components" / MAINS[component] / "main.py"],
                cwd=self.work(component),
                env=environment,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def log(self, component: str) -> str:
        return (self.folder / f"{component}.log").read_text()

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
        for each in self.envelopes():
            stored = Stored(spool_id=each.spool_id, lane=each.lane, through=each.last_seq)
            self.broker.say(stored_topic(THING), encode_stored(stored))

    def is_whole(self) -> bool:
        """Whether every sequence that was given out has arrived, up to the last that has."""
        by_lane: dict[str, set[int]] = {}
        for each in self.envelopes():
            by_lane.setdefault(each.lane, set()).update(range(each.first_seq, each.last_seq + 1))
        return all(seen == set(range(1, max(seen) + 1)) for seen in by_lane.values())

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(6)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(6)
        self.ipc.close()


def ended_in_time(process: subprocess.Popen) -> int:
    """Its exit status after SIGTERM; a nucleus kills what takes five seconds."""
    process.send_signal(signal.SIGTERM)
    return process.wait(4.5)


@contextlib.contextmanager
def core_device(profile: str) -> Iterator[Core]:
    with tempfile.TemporaryDirectory(prefix="gg") as folder:  # short: a socket's path has at most 107 bytes
        made = Core(Path(folder), profile)
        made.ipc.start()
        try:
            yield made
        except AssertionError:
            for log in sorted(Path(folder).glob("*.log")):
                sys.stderr.write(f"{log.name}\n{log.read_text()[-3000:]}\n")
            raise
        finally:
            made.close()


@pytest.fixture(params=["classic", "lite"])
def core(request):
    with core_device(request.param) as made:
        yield made


@pytest.fixture
def lite():
    with core_device("lite") as made:
        yield made


@pytest.fixture
def classic():
    with core_device("classic") as made:
        yield made


def test_gateway_carries_an_episode_through_the_nucleus_and_a_restart_of_its_ipc(core):
    core.configure(GATEWAY, {**FAST, "sensors": [recording(core.folder / "b.csv")]})
    process = core.start(GATEWAY)
    until(lambda: core.kinds()["Episode"] and core.kinds()["Context"] and core.kinds()["Summary"])
    core.ipc.stop()
    accepted = core.status(GATEWAY)["accepted"]
    until(lambda: core.status(GATEWAY)["accepted"] > accepted + 2)
    core.ipc.start()
    before = len(core.envelopes())
    until(lambda: len(core.envelopes()) > before + 2)
    until(lambda: core.store_all() or core.status(GATEWAY, "agent-status.json")["stored"]["events"])
    assert ended_in_time(process) == 0
    assert core.is_whole()
    spool = SqliteSpool(core.work(GATEWAY) / "spool.sqlite3")
    assert spool.counters().get("moved_aside", 0) == 0
    spool.close()


def test_the_split_set_carries_the_same(lite):
    components = (EDGE_FILTER, EVENT_FORWARDER, SENSOR_READER)
    for component in components:
        lite.configure(component, {**FAST, "sensors": [recording(lite.folder / "b.csv")]})
    processes = [lite.start(component) for component in components]
    until(lambda: lite.kinds()["Episode"] and lite.kinds()["Context"] and lite.kinds()["Summary"])
    assert [ended_in_time(each) for each in processes] == [0, 0, 0]
    assert lite.is_whole()
    assert lite.status(EDGE_FILTER)["counters"]["bench.blocks_lost"] == 0


def test_an_hour_offline_is_nothing_to_the_gateway(lite):
    lite.configure(GATEWAY, FAST)
    process = lite.start(GATEWAY)
    until(lambda: lite.kinds()["Summary"])
    lite.ipc.go_offline()
    accepted = lite.status(GATEWAY)["accepted"]
    until(lambda: lite.status(GATEWAY)["accepted"] > accepted + 3)
    lite.ipc.go_online()
    before = lite.kinds()["Summary"]
    until(lambda: lite.kinds()["Summary"] > before + 3)
    assert ended_in_time(process) == 0
    assert lite.is_whole()


def test_a_refused_token_ends_the_component_so_that_it_is_started_with_another(classic):
    classic.ipc.faults.refuse_tokens()
    process = classic.start(GATEWAY)
    assert process.wait(30) == 1
    assert "refused our token" in classic.log(GATEWAY)


def test_gateway_and_split_set_on_one_machine_are_refused_with_the_other_s_name(classic):
    classic.configure(GATEWAY, FAST)
    classic.start(GATEWAY)
    until(lambda: classic.status(GATEWAY).get("samples"))
    assert classic.start(EDGE_FILTER).wait(20) == 2
    assert "io.thresher.Gateway runs on this machine" in classic.log(EDGE_FILTER)


def test_a_deployment_waits_for_an_open_episode_and_its_configuration_is_judged(classic):
    updates = {"recheck_s": 0.3, "defer_limit_s": 1}
    sensors = [recording(classic.folder / "b.csv")]
    classic.configure(GATEWAY, {**FAST, "sensors": sensors, "updates": updates})
    classic.start(GATEWAY)
    until(lambda: classic.kinds()["Episode"])
    assert 0 < classic.ipc.pre_update("d-1", timeout_s=10) <= 300
    time.sleep(1.0)
    assert classic.ipc.pre_update("d-1", timeout_s=10) == 0
    rejections = classic.ipc.validate({GATEWAY: {"summary_s": "soon"}}, "d-2", timeout_s=10)
    assert "$.summary_s" in rejections[GATEWAY]
    assert classic.ipc.validate({GATEWAY: {"summary_s": 5}}, "d-3", timeout_s=10) == {}


def test_a_configuration_that_changes_is_taken_without_a_restart(classic):
    classic.configure(GATEWAY, FAST)
    process = classic.start(GATEWAY)
    until(lambda: classic.status(GATEWAY).get("samples"))
    classic.configure(GATEWAY, {**FAST, "sensors": {"other": {"type": "host"}}})
    until(lambda: "other" in classic.status(GATEWAY).get("sensors", {}))
    assert process.poll() is None


def test_the_fleet_agent_answers_the_job_that_waits(lite):
    job = {"execution": {"jobId": "j-7", "status": "QUEUED", "versionNumber": 1, "jobDocument": {"do": "it"}}}
    accepted = jobs_topic(THING, "$next/get/accepted")
    lite.broker.subscribe(
        jobs_topic(THING, "$next/get"), lambda *_: lite.broker.say(accepted, json.dumps(job).encode())
    )
    lite.configure(FLEET_AGENT, {})
    process = lite.start(FLEET_AGENT)
    update = until(lambda: [each for each in lite.broker.published if each.topic == jobs_topic(THING, "j-7/update")])
    assert json.loads(update[0].payload)["status"] == "REJECTED"
    assert ended_in_time(process) == 0
