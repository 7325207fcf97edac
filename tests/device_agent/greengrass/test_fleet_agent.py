"""The component carries out jobs by the nucleus's connection, and leaves deployments alone."""

import msgspec
import pytest

from contract.topics import shadow_topic
from device_agent import VERSION
from device_agent.filters.wishes import calibration_file, wish_file
from device_agent.fleet.status import FleetStatus
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.fleet_agent import fleet_agent
from device_agent.greengrass.place import EDGE_FILTER, FLEET_AGENT, GATEWAY, SENSOR_READER, Place
from device_agent.greengrass.working import Working
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import ServiceRefusedError
from device_agent.ipc.memory import MemoryNucleus
from device_agent.spool.sqlite import SqliteSpool
from tests.device_agent.greengrass.machinery import THING, until

ALLOWED = {"fleet": {"commands": {"commands": ["/bin/true"]}}}
RUN = {
    "version": "1.0",
    "steps": [{"action": {"name": "say yes", "type": "runCommand", "input": {"command": "/bin/true"}}}],
}


def status(machinery):
    file = machinery.work(FLEET_AGENT) / "fleet-status.json"
    return msgspec.json.decode(file.read_bytes(), type=FleetStatus) if file.exists() else FleetStatus()


def test_a_job_that_waits_is_carried_out(machinery, cloud):
    machinery.host.configuration[FLEET_AGENT] = ALLOWED
    cloud.jobs.ledger.create("j-1", RUN)
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "SUCCEEDED"
    told = until(lambda: cloud.serve() or (status(machinery).last_job and status(machinery)))
    assert (told.last_job, told.last_status, told.counters["jobs.succeeded"]) == ("j-1", "SUCCEEDED", 1)


def test_a_job_that_comes_while_it_runs_is_heard_at_once(machinery, cloud):
    machinery.start(FLEET_AGENT, fleet_agent)
    until(lambda: cloud.serve() or cloud.jobs.heard)
    cloud.jobs.ledger.create("j-1", RUN)
    assert cloud.until_over("j-1") == "REJECTED"  # nothing is allowed unless the document says so


def test_what_deployments_own_no_job_changes(machinery, cloud):
    bundle = {"kind": "application", "name": "thresher", "version": "2", "url": "https://x/y", "size": 1}
    action = {"name": "a", "type": "applyBundle", "input": {**bundle, "sha256": "0" * 64}}
    cloud.jobs.ledger.create("j-1", {"version": "1.0", "steps": [{"action": action}]})
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "REJECTED"


def test_a_nucleus_that_is_offline_is_asked_again(machinery, cloud):
    machinery.host.refuses = lambda _, request: (
        ServiceRefusedError("PublishToIoTCore: offline") if isinstance(request, ops.PublishToIoTCore) else None
    )
    cloud.jobs.ledger.create("j-1", RUN)
    machinery.start(FLEET_AGENT, fleet_agent)
    until(lambda: status(machinery).trouble)
    machinery.host.refuses = lambda *_: None
    assert cloud.until_over("j-1") == "REJECTED"


def test_a_document_may_switch_jobs_off(machinery, cloud):
    machinery.host.configuration[FLEET_AGENT] = {"fleet": {"jobs": {"enabled": False}}}
    cloud.jobs.ledger.create("j-1", RUN)
    running = machinery.start(FLEET_AGENT, fleet_agent)
    running.end()
    cloud.serve()
    assert not cloud.jobs.heard
    assert not running.failures


WORKS = {"sensors": [{"type": "host", "name": "press"}], "uplink": {"type": "greengrass"}}


def one_step(name, **given):
    return {"version": "1.0", "steps": [{"action": {"name": "a", "type": name, "input": given}}]}


def works_beside(machinery, *, split):
    """The components that sense and filter, as deployed; returns where they keep their state."""
    if split:
        machinery.host.configuration[SENSOR_READER] = WORKS
        machinery.host.configuration[EDGE_FILTER] = {"filter": {"calibration_scans": 200}}
        return machinery.work(EDGE_FILTER)
    machinery.host.configuration[GATEWAY] = WORKS | {"filter": {"calibration_scans": 200}}
    return machinery.work(GATEWAY)


@pytest.mark.parametrize("split", [False, True])
def test_it_is_the_filters_that_learn_anew(machinery, cloud, split):
    folder = works_beside(machinery, split=split)
    cloud.jobs.ledger.create("j-1", one_step("recalibrate", sensors=["press"]))
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "SUCCEEDED"
    assert wish_file(calibration_file(folder, "press")).exists()


def test_a_sensor_that_only_the_fleet_agents_defaults_have_is_unknown(machinery, cloud):
    works_beside(machinery, split=False)
    cloud.jobs.ledger.create("j-1", one_step("recalibrate", sensors=["machine"]))
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "REJECTED"


@pytest.mark.parametrize("split", [False, True])
def test_diagnostics_are_of_what_works_here(machinery, cloud, split):
    folder = works_beside(machinery, split=split)
    (folder / "run-status.json").write_text("{}")
    SqliteSpool(folder / "spool.sqlite3").close()
    cloud.jobs.ledger.create(
        "j-1", one_step("collectDiagnostics", parts=["document", "status", "spool"], maxBytes=9999)
    )
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "SUCCEEDED"
    assert cloud.jobs.ledger.of("j-1").details["spool"].endswith(" bytes")


@pytest.mark.parametrize("split", [False, True])
def test_working_is_the_document_of_who_filters_with_the_sensors_of_who_reads(machinery, split):
    folder = works_beside(machinery, split=split)
    machinery.work(FLEET_AGENT)
    nucleus = MemoryNucleus(machinery.host, FLEET_AGENT)
    nucleus.open(lambda _: None)
    place = Place(FLEET_AGENT, THING, machinery.work(FLEET_AGENT), str(machinery.root))
    own = Documents(nucleus, place).now()
    config = Working(nucleus, place, own).look()
    assert [each.name for each in config.sensors] == ["press"]
    assert config.filter.calibration_scans == 200
    assert config.state_dir == str(folder)


def test_a_broken_document_beside_ends_no_job_and_the_last_good_one_is_kept(machinery):
    works_beside(machinery, split=False)
    nucleus = MemoryNucleus(machinery.host, FLEET_AGENT)
    nucleus.open(lambda _: None)
    place = Place(FLEET_AGENT, THING, machinery.work(FLEET_AGENT), str(machinery.root))
    working = Working(nucleus, place, Documents(nucleus, place).now(), look_every_s=0.0)
    assert working.look().filter.calibration_scans == 200
    machinery.host.configuration[GATEWAY] = {"filter": {"calibration_scans": -1}}
    assert working.look().filter.calibration_scans == 200
    machinery.host.stop()
    assert working.look().filter.calibration_scans == 200


def test_it_says_which_versions_run_here(machinery):
    works_beside(machinery, split=False)
    said = {}

    def heed(topic):
        machinery.host.say(shadow_topic(THING, topic, "get/rejected"), b'{"code": 404, "message": "none"}')

    machinery.start(FLEET_AGENT, fleet_agent)

    def served():
        for _, request in list(machinery.host.requests):
            for name in ("state", "$package"):
                if getattr(request, "topic", "") == shadow_topic(THING, name, "get"):
                    heed(name)
                if getattr(request, "topic", "") == shadow_topic(THING, name, "update"):
                    said[name] = msgspec.json.decode(request.payload)["state"]["reported"]
        return len(said) == 2

    until(served, within_s=30)
    assert said["state"]["software"]["version"] == said["$package"]["thresher"]["version"] == VERSION
    until((machinery.work(FLEET_AGENT) / "beside-status.json").exists)
