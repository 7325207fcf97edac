"""Reader, filter and forwarder in three places, joined by a nucleus in memory."""

import json
import threading

import msgspec
import pytest

from contract.feedback import Feedback, Threshold, encode_feedback
from contract.topics import feedback_topic
from device_agent.clock import SimulatedClock
from device_agent.condenser import Surroundings
from device_agent.config import convert
from device_agent.filters.models import ConfiguredModel
from device_agent.greengrass.edge_filter import edge_filter
from device_agent.greengrass.event_forwarder import event_forwarder
from device_agent.greengrass.gateway import gateway
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, GATEWAY, SENSOR_READER
from device_agent.greengrass.reader import SIGN_OF_LIFE_NS, ReadSensor, sensor_reader
from device_agent.greengrass.remote import LEFT_NS, MOST_SENSORS, SILENT_NS, RemoteSensors
from device_agent.identity import Identity
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import UnauthorizedError
from device_agent.ipc.memory import MemoryHost, MemoryNucleus
from device_agent.machine import Machine
from device_agent.supervisor import Supervisor
from tests.device_agent.greengrass.machinery import THING, recording, until
from tests.device_agent.greengrass.test_gateway import FAST, Cloud

BOOT = "b" * 32


@pytest.fixture
def cloud(machinery):
    return Cloud(machinery.host)


def status(machinery, component=EDGE_FILTER, name="run-status.json"):
    try:
        return json.loads((machinery.work(component) / name).read_text())
    except FileNotFoundError:
        return {}


def start_all(machinery, sensors):
    configuration = {**FAST, "sensors": sensors}
    components = {SENSOR_READER: sensor_reader, EDGE_FILTER: edge_filter, EVENT_FORWARDER: event_forwarder}
    for component in components:
        machinery.host.configuration[component] = configuration
    return {component: machinery.start(component, run) for component, run in components.items()}


def test_what_three_parts_judge_and_forward_is_what_the_reader_took(machinery, cloud):
    running = start_all(machinery, [recording(machinery.root.parent / "b.csv", burn_from=10**6)])
    until(lambda: status(machinery).get("sensors", {}).get("bench", {}).get("state") == "armed")
    until(lambda: cloud.kinds()["Summary"] >= 2 and cloud.kinds()["Health"])
    for each in running.values():
        each.end(within_s=4)
        assert each.failures == []
    judged = status(machinery)
    taken = status(machinery, SENSOR_READER, "reader-status.json")[0]
    assert judged["counters"]["bench.blocks"] + judged["counters"]["bench.blocks_lost"] <= taken["blocks"]
    assert judged["counters"]["bench.blocks_lost"] == 0
    assert judged["sensors"]["bench"]["scans"] > 128


def test_what_people_said_is_heard_by_the_forwarder_and_heeded_by_the_filter(machinery, cloud):
    running = start_all(machinery, [recording(machinery.root.parent / "b.csv", burn_from=10**6)])
    until(lambda: status(machinery).get("sensors", {}).get("bench", {}).get("state") == "armed")
    raised = Threshold(sensor="bench", channel="temperature", factor=1.5, since_ms=9_999_999_999_999)
    feedback = Feedback(version=3, made_ms=1, thresholds=[raised])
    machinery.host.say(feedback_topic(THING), encode_feedback(feedback))
    until(lambda: status(machinery)["sensors"]["bench"].get("raised") == {"temperature": 1.5})
    until(lambda: 3 in cloud.feedback_versions())
    for each in running.values():
        each.end(within_s=4)
        assert each.failures == []


def test_a_filter_that_was_away_goes_on_with_the_next_block_and_its_calibration(machinery):
    running = start_all(machinery, [recording(machinery.root.parent / "b.csv", burn_from=10**6)])
    until(lambda: status(machinery).get("sensors", {}).get("bench", {}).get("state") == "armed")
    running[EDGE_FILTER].end(within_s=4)
    sent = status(machinery, SENSOR_READER, "reader-status.json")[0]["blocks"]
    until(lambda: status(machinery, SENSOR_READER, "reader-status.json")[0]["blocks"] > sent + 1)
    machinery.start(EDGE_FILTER, edge_filter)
    again = until(lambda: status(machinery)["counters"].get("bench.blocks") and status(machinery))
    assert again["sensors"]["bench"]["state"] == "armed"
    assert again["counters"]["bench.blocks_lost"] == 0


def test_a_change_of_the_filter_s_spool_reaches_the_forwarder(machinery):
    machinery.start(EDGE_FILTER, edge_filter)
    forwarder = machinery.start(EVENT_FORWARDER, event_forwarder)
    until(lambda: status(machinery, name="agent-status.json"))
    first = machinery.work(EDGE_FILTER)
    machinery.host.configure(EDGE_FILTER, {"state_dir": "deeper"})
    until((first / "deeper" / "agent-status.json").exists)
    assert not forwarder.failures


class Reading:
    """A reader of a simulated sensor, stepped by hand, and the filter's side of it."""

    def __init__(self, tmp_path, *, hold_bytes=100_000, **sensor):
        self.host = MemoryHost()
        self.clock = SimulatedClock()
        self.nucleus = MemoryNucleus(self.host, SENSOR_READER)
        self.nucleus.open(lambda _: None)
        document = {
            "gateway": "g",
            "state_dir": str(tmp_path),
            "sensors": [recording(tmp_path / "b.csv", burn_from=10**6) | sensor],
            "filter": {"calibration_scans": 128},
        }
        self.config = convert(document, source="test")
        self.hold_bytes = hold_bytes
        self.runs = 0
        self.events = []
        self.reader = self.new_reader()
        around = Surroundings(self.config, Identity("g", BOOT), self.clock, self.events.extend, ConfiguredModel(None))
        hearing = MemoryNucleus(self.host, EDGE_FILTER)
        hearing.open(lambda _: None)
        self.filter = RemoteSensors(around, hearing)

    def new_reader(self):
        machine = Machine(self.clock, "")
        self.runs += 1
        return ReadSensor(
            self.config.sensors[0],
            self.nucleus,
            machine,
            run=f"run-{self.runs}",
            boot_id=BOOT,
            hold_bytes=self.hold_bytes,
        )

    def read(self, scans):
        """Lets the sampler take scans, then packs and sends."""
        stop = threading.Event()
        real, left = self.clock.wait_until, [scans]

        def wait_until(deadline_ns, halt):
            if left[0] == 0:
                return False
            left[0] -= 1
            return real(deadline_ns, halt)

        self.clock.wait_until = wait_until
        self.reader.sample(stop)
        self.clock.wait_until = real
        self.reader.step()

    def blocks(self):
        return [each.message for _, each in self.host.requests if isinstance(each, ops.PublishToTopic)]

    def line(self):
        return self.filter.all()[0]


@pytest.fixture
def reading(tmp_path):
    return Reading(tmp_path)


def test_what_a_vibration_is_asked_for_travels_with_its_channel_and_is_made_by_the_filter(tmp_path):
    reading = Reading(tmp_path, channels={"temperature": {"spectral": {"window_s": 4, "segment_s": 2}}})
    reading.read(200)
    for block in reading.blocks():
        reading.filter.take(block)
    raw, made = (line.health() for line in reading.filter.all())
    assert [line.condenser.shape.name for line in reading.filter.all()] == ["bench", "bench-spectrum"]
    assert raw.scans == 200
    assert made.scans == 5  # of 4 s each, at 10 Hz in the recording's own time
    assert made.samples == 3 * made.scans


def test_a_lost_block_is_counted_and_is_a_gap_with_its_reason(reading):
    for _ in range(6):
        reading.reader = reading.reader or reading.new_reader()
        reading.read(10)
    first, second, third, *rest = reading.blocks()
    for block in (first, third, *rest):
        reading.filter.take(block)
    line = reading.line()
    assert line.counters()["blocks_lost"] == 1
    assert line.health().last_gap == "1 blocks lost between reader and filter"
    assert second not in (first, third)


def test_a_block_that_comes_twice_is_judged_once(reading):
    reading.read(10)
    (block,) = reading.blocks()
    reading.filter.take(block)
    raw = reading.line().condenser.raw_bytes
    reading.filter.take(block)
    assert reading.line().condenser.raw_bytes == raw
    assert reading.line().counters()["blocks_repeated"] == 1


def test_a_reader_that_began_anew_is_no_loss(reading):
    reading.read(10)
    reading.reader = reading.new_reader()
    reading.read(10)
    for block in reading.blocks():
        reading.filter.take(block)
    counters = reading.line().counters()
    assert (counters["blocks"], counters["blocks_lost"], counters["blocks_repeated"]) == (2, 0, 0)


def test_what_a_reader_holds_while_the_nucleus_is_away_goes_in_order(reading):
    reading.host.stop()
    for _ in range(5):
        reading.read(10)
    assert reading.reader.status().waiting == 5
    reading.host.start()
    reading.read(10)
    for block in reading.blocks():
        reading.filter.take(block)
    counters = reading.line().counters()
    assert (counters["blocks"], counters["blocks_lost"]) == (6, 0)


def test_what_a_reader_cannot_hold_is_given_up_counted_and_seen_by_the_filter(tmp_path):
    reading = Reading(tmp_path, hold_bytes=2000)
    reading.read(10)
    reading.host.stop()
    for _ in range(20):
        reading.read(10)
    reading.host.start()
    reading.read(10)
    reading.read(10)
    dropped = reading.reader.status().dropped
    assert dropped > 0
    for block in reading.blocks():
        reading.filter.take(block)
    counters = reading.line().counters()
    assert counters["blocks_lost"] == counters["blocks_given_up"] == dropped


def test_a_reader_without_the_right_to_publish_says_so_and_ends(reading):
    refusal = UnauthorizedError("PublishToTopic on thresher/v1/bench/blocks", remedy="grant it")
    reading.host.refuses = lambda *_: refusal
    with pytest.raises(UnauthorizedError, match="thresher/v1/bench/blocks"):
        reading.read(10)


def test_a_sensor_that_nobody_speaks_for_has_failed(reading):
    reading.read(10)
    reading.filter.take(reading.blocks()[0])
    assert reading.line().health().state == "calibrating"
    reading.clock.advance(SILENT_NS / 1e9 + 1)
    assert reading.line().health().state == "failed"
    assert reading.line().health().last_gap == "the reader says nothing"


def test_a_sensor_that_gives_a_scan_an_hour_is_not_taken_for_a_silent_one(reading):
    reading.read(10)
    for _ in range(20):
        reading.clock.advance(SIGN_OF_LIFE_NS / 1e9)
        reading.reader.step()
        for block in reading.blocks()[-1:]:
            reading.filter.take(block)
        assert reading.line().health().state == "calibrating"
    assert len(reading.blocks()) == 21
    assert reading.line().counters()["blocks"] == 20


def test_a_sensor_that_was_renamed_is_not_told_as_failed_for_ever(reading):
    reading.read(10)
    reading.filter.take(reading.blocks()[-1])
    renamed = msgspec.structs.replace(reading.config.sensors[0], name="other")
    reading.config = msgspec.structs.replace(reading.config, sensors=[renamed])
    reading.reader = reading.new_reader()
    reading.clock.advance(LEFT_NS / 1e9 + 1)
    reading.filter.retire()
    assert [line.condenser.shape.name for line in reading.filter.all()] == ["bench"], "its reader may only be away"
    reading.read(10)
    reading.filter.take(reading.blocks()[-1])
    reading.filter.retire()
    assert [line.condenser.shape.name for line in reading.filter.all()] == ["other"]


def test_a_filter_that_blocks_never_leave_alone_ends_all_the_same(reading):
    reading.read(10)
    stop = threading.Event()
    supervisor = Supervisor(stop)
    reading.filter.start(supervisor)
    flooding = threading.Event()

    def flood():
        while not flooding.wait(0.01):
            reading.nucleus.call(ops.PublishToTopic("thresher/v1/bench/blocks", reading.blocks()[0]))

    thread = threading.Thread(target=flood)
    thread.start()
    until(reading.filter.all)
    stop.set()
    supervisor.join(2)
    flooding.set()
    thread.join(5)
    assert "judge" not in {each.name for each in threading.enumerate()}


def test_a_block_of_another_boot_or_no_block_at_all_is_refused_and_counted(reading):
    reading.filter.take(b"nonsense")
    sensor, machine = reading.config.sensors[0], Machine(reading.clock, "")
    reading.reader = ReadSensor(sensor, reading.nucleus, machine, run="run-2", boot_id="c" * 32)
    reading.read(5)
    reading.filter.take(reading.blocks()[0])
    assert reading.filter.refused == 2
    assert not reading.filter.all()
    assert MOST_SENSORS >= 32


def test_gateway_and_split_set_count_the_same_words(machinery):
    start_all(machinery, [recording(machinery.root.parent / "b.csv")])
    machinery.host.configuration[GATEWAY] = {**FAST, "sensors": [recording(machinery.root.parent / "c.csv")]}
    machinery.start(GATEWAY, gateway)
    split = until(lambda: status(machinery).get("sensors") and status(machinery))
    whole = until(lambda: status(machinery, GATEWAY).get("sensors") and status(machinery, GATEWAY))
    remote = {"bench.blocks", "bench.blocks_lost", "bench.blocks_repeated", "bench.blocks_given_up"}
    assert set(split["counters"]) - set(whole["counters"]) == {*remote, "greengrass.blocks_refused"}
    assert set(whole["counters"]) <= set(split["counters"])
