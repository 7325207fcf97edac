"""The whole Gateway on a nucleus in memory: real threads, real spool."""

import json
import threading
from collections import Counter

import msgspec
import pytest

from contract.codec import decode_envelope, decode_event, encode_stored
from contract.envelope import Stored
from contract.health import Health
from contract.topics import stored_topic
from device_agent.errors import ConfigError
from device_agent.greengrass.gateway import gateway
from device_agent.greengrass.place import GATEWAY
from device_agent.ipc import operations as ops
from device_agent.ipc.memory import LITE_LACKS
from device_agent.spool.sqlite import SqliteSpool
from tests.device_agent.greengrass.machinery import THING, recording, until

FAST = {"filter": {"calibration_scans": 128}, "summary_s": 0.5, "health_s": 1, "uplink": {"linger_s": 0.1}}


class Cloud:
    """Keeps what was published, and answers with a watermark."""

    def __init__(self, host):
        self._host = host

    def envelopes(self):
        published = [request for _, request in list(self._host.requests) if isinstance(request, ops.PublishToIoTCore)]
        return [decode_envelope(each.payload) for each in published]

    def kinds(self):
        return Counter(type(decode_event(raw)).__name__ for each in self.envelopes() for raw in each.events)

    def feedback_versions(self):
        events = [decode_event(raw) for each in self.envelopes() for raw in each.events]
        return {event.feedback_version for event in events if isinstance(event, Health)}

    def store(self):
        """Says that everything so far is stored."""
        last = {(each.spool_id, each.lane): each.last_seq for each in self.envelopes()}
        for (spool_id, lane), through in last.items():
            answer = encode_stored(Stored(spool_id=spool_id, lane=lane, through=through))
            self._host.say(stored_topic(THING), answer)

    def sequences(self, lane):
        return sorted(
            seq for each in self.envelopes() if each.lane == lane for seq in range(each.first_seq, each.last_seq + 1)
        )


@pytest.fixture
def cloud(machinery):
    return Cloud(machinery.host)


def status(machinery, name="run-status.json"):
    file = machinery.work(GATEWAY) / name
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        return {}


def pending(machinery):
    spool = SqliteSpool(machinery.work(GATEWAY) / "spool.sqlite3")
    try:
        return spool.pending()
    finally:
        spool.close()


def test_it_senses_this_machine_and_forwards_without_any_configuration(machinery, cloud):
    running = machinery.start(GATEWAY, gateway)
    until(lambda: cloud.kinds()["Health"])
    running.end(within_s=4)
    assert running.failures == []
    assert {each.gateway_id for each in cloud.envelopes()} == {THING}


def answers(machinery, deployment):
    requests = [request for _, request in list(machinery.host.requests)]
    defers = [each for each in requests if isinstance(each, ops.DeferComponentUpdate)]
    return [each for each in defers if each.deployment_id == deployment]


def asked(machinery, deployment):
    """The answer to one question, whether a deployment may begin, in milliseconds."""
    before = len(answers(machinery, deployment))
    machinery.host.update(ops.ComponentUpdate(deployment))
    return until(lambda: answers(machinery, deployment)[before:])[0].recheck_after_ms


def test_an_episode_travels_holds_an_update_back_for_a_while_and_is_forgotten_when_stored(machinery, cloud):
    updates, sensors = {"recheck_s": 0.2, "defer_limit_s": 0.6}, [recording(machinery.root.parent / "b.csv")]
    machinery.host.configuration[GATEWAY] = {**FAST, "sensors": sensors, "updates": updates}
    running = machinery.start(GATEWAY, gateway)
    until(lambda: status(machinery).get("samples"))
    assert asked(machinery, "idle") == 0

    until(lambda: cloud.kinds()["Episode"])
    assert 0 < asked(machinery, "first") <= 200
    assert answers(machinery, "first")[-1].message == "an episode is open"
    until(lambda: asked(machinery, "first") == 0, within_s=5)
    told = until(lambda: status(machinery)["counters"].get("greengrass.updates_past_limit") and status(machinery))
    assert told["counters"]["greengrass.updates_allowed"] == 1
    assert told["counters"]["greengrass.updates_deferred"] >= 1

    until(lambda: cloud.kinds()["Context"] and cloud.kinds()["Summary"])
    until(lambda: cloud.store() or status(machinery, "agent-status.json")["stored"]["context"])
    running.end(within_s=4)
    left = pending(machinery)
    assert left["context"] == 0
    for lane in ("events", "summaries", "context"):
        sequences = cloud.sequences(lane)
        assert set(sequences) == set(range(1, max(sequences) + 1))


def test_a_change_of_the_uplink_loses_no_sample_and_one_of_the_sensors_keeps_the_link(machinery):
    machinery.host.configuration[GATEWAY] = FAST
    machinery.start(GATEWAY, gateway)
    until(lambda: status(machinery).get("samples", 0) > 40)
    started = status(machinery)["uptime_ms"]
    machinery.host.configure(GATEWAY, {**FAST, "uplink": {"linger_s": 0.2}})
    changed = until(lambda: status(machinery)["counters"].get("greengrass.stage_restarts") == 1 and status(machinery))
    assert changed["uptime_ms"] > started
    sensor = changed["sensors"]["machine"]
    assert sensor.get("missed", 0) == 0

    machinery.host.configure(GATEWAY, {**FAST, "sensors": [{"type": "host", "name": "other"}]})
    until(lambda: "other" in status(machinery).get("sensors", {}))
    assert status(machinery)["counters"]["greengrass.configuration_taken"] == 2
    until(lambda: status(machinery, "agent-status.json").get("connected"))


def test_a_change_that_nobody_told_because_the_nucleus_was_away_is_taken_afterwards(machinery):
    machinery.host.configuration[GATEWAY] = FAST
    machinery.start(GATEWAY, gateway)
    until(lambda: status(machinery).get("samples"))
    machinery.host.stop()
    machinery.host.configuration[GATEWAY] = {**FAST, "sensors": {"other": {"type": "host"}}}
    machinery.host.start()
    until(lambda: "other" in status(machinery).get("sensors", {}))
    assert status(machinery)["counters"]["greengrass.configuration_taken"] == 1


def test_many_changes_leave_no_thread_behind(machinery):
    machinery.host.configuration[GATEWAY] = FAST
    running = machinery.start(GATEWAY, gateway)

    def threads():
        return sorted(thread.name for thread in threading.enumerate() if thread.is_alive())

    until(lambda: status(machinery).get("samples") and status(machinery, "agent-status.json").get("connected"))
    first = until(lambda: "forward" in threads() and threads())
    for number in range(1, 4):
        changed = {**FAST, "summary_s": 1 + number, "uplink": {"linger_s": 0.2 * number}}
        machinery.host.configure(GATEWAY, changed)
        until(lambda number=number: status(machinery)["counters"]["greengrass.stage_restarts"] == 2 * number)
    until(lambda: threads() == first)
    assert not running.failures


def test_a_bad_change_is_refused_with_its_place_and_the_last_good_one_stays(machinery):
    machinery.host.configuration[GATEWAY] = FAST
    running = machinery.start(GATEWAY, gateway)
    until(lambda: status(machinery).get("samples"))
    machinery.host.configure(GATEWAY, {**FAST, "sensors": [{"type": "host"}]})
    told = until(lambda: status(machinery)["degraded"])
    assert "$.sensors[0]" in told[0]
    samples = status(machinery)["samples"]
    until(lambda: status(machinery)["samples"] > samples)
    assert not running.failures
    machinery.host.configure(GATEWAY, FAST)
    until(lambda: not status(machinery)["degraded"])


def test_a_deployment_that_asks_gets_the_place_of_the_mistake(machinery):
    machinery.start(GATEWAY, gateway)
    until(lambda: status(machinery).get("samples"))
    machinery.host.validate(GATEWAY, ops.ValidateConfiguration({"summary_s": 5}, "good"))
    machinery.host.validate(GATEWAY, ops.ValidateConfiguration({"summary_s": -5}, "bad"))

    def reports():
        requests = [request for _, request in list(machinery.host.requests)]
        return {each.deployment_id: each for each in requests if isinstance(each, ops.SendConfigurationValidityReport)}

    until(lambda: len(reports()) == 2)
    assert reports()["good"].status == "ACCEPTED"
    assert reports()["bad"].status == "REJECTED"
    assert "$.summary_s" in reports()["bad"].message


def test_on_a_lite_nucleus_nothing_is_missed(machinery, cloud):
    machinery.host.lacks = LITE_LACKS
    machinery.host.configuration[GATEWAY] = FAST
    running = machinery.start(GATEWAY, gateway)
    until(lambda: cloud.kinds()["Health"] and cloud.kinds()["Summary"])
    running.end(within_s=4)
    assert running.failures == []


def test_a_configuration_that_cannot_work_at_the_start_ends_the_component(machinery):
    machinery.host.configuration[GATEWAY] = {"sensors": []}
    running = machinery.start(GATEWAY, gateway)
    running.thread.join(10)
    assert [type(each) for each in running.failures] == [ConfigError]


def test_the_statuses_are_those_of_the_standalone_processes(machinery):
    running = machinery.start(GATEWAY, gateway)
    until(lambda: status(machinery).get("samples"))
    running.end(within_s=4)
    folder = machinery.work(GATEWAY)
    for name in ("run-status.json", "agent-status.json"):
        assert not (folder / name).is_symlink()
        assert msgspec.json.decode((folder / name).read_bytes())["gateway_id"] == THING
