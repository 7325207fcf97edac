"""The agent around its forwarder, with the uplink in memory; the real path is in ``uplink/test_real_path.py``."""

import threading
import time

import msgspec
import pytest

from contract.codec import encode_stored
from contract.envelope import Stored
from contract.health import Health
from contract.topics import stored_topic
from device_agent.agent import Agent, AgentStatus, run_agent
from device_agent.clock import SystemClock
from device_agent.config import parse
from device_agent.errors import ConfigError
from device_agent.spool.sqlite import SqliteSpool
from device_agent.uplink.memory import MemoryBroker, MemoryUplink

DOCUMENT = """
gateway: gw-1
state_dir: {folder}/state
sensors: [{{type: host, name: host}}]
"""
UPLINK = """
uplink: {{endpoint: localhost, certificate: {folder}/c.pem, private_key: {folder}/k.pem, ca: {folder}/ca.pem}}
"""


@pytest.fixture
def config(tmp_path):
    return parse((DOCUMENT + UPLINK).format(folder=tmp_path).encode(), source="test")


@pytest.fixture
def spool(tmp_path):
    opened = SqliteSpool(tmp_path / "state" / "spool.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def status_file(tmp_path):
    return tmp_path / "status.json"


def health() -> Health:
    return Health(wall_ms=1, monotonic_ms=1, version="1", uptime_ms=1, interval_ms=1, sensors={})


def read(status_file) -> AgentStatus:
    return msgspec.json.decode(status_file.read_bytes(), type=AgentStatus)


def until(wanted) -> None:
    deadline = time.monotonic() + 10
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_without_an_uplink_it_names_what_is_missing(tmp_path):
    config = parse(DOCUMENT.format(folder=tmp_path).encode(), source="test")

    with pytest.raises(ConfigError, match=r"\$\.uplink") as caught:
        run_agent(config, threading.Event())

    assert "certificate" in caught.value.remedy


def test_a_missing_certificate_is_named_before_anything_is_opened(config, tmp_path):
    with pytest.raises(ConfigError, match=r"\$\.uplink\.certificate.*c\.pem"):
        run_agent(config, threading.Event())

    assert not (tmp_path / "state").exists()


def test_the_status_says_how_the_link_and_the_spool_are(config, spool, status_file):
    broker, stop = MemoryBroker(), threading.Event()
    agent = Agent(config, spool, MemoryUplink(broker), clock=SystemClock())
    spool.append("boot", [health()])
    thread = threading.Thread(target=agent.run, args=(stop, status_file))
    thread.start()
    until(lambda: broker.received)
    broker.say(stored_topic("gw-1"), encode_stored(Stored(spool_id=spool.spool_id, lane="events", through=1)))
    until(lambda: spool.pending()["events"] == 0)
    stop.set()
    thread.join(timeout=10)

    status = read(status_file)
    assert (status.publishes, status.acknowledged, status.watermarks) == (1, 1, 1)
    assert status.sent_bytes == len(broker.received[0][1])
    assert (status.pending["events"], status.stored["events"]) == (0, 1)
    assert status.connects == 1
    assert not thread.is_alive()


def test_when_stopped_it_first_sends_what_is_left(config, spool, status_file):
    broker, stop = MemoryBroker(), threading.Event()
    agent = Agent(config, spool, MemoryUplink(broker), clock=SystemClock())
    for number in range(8):
        spool.append(f"boot{number}", [health()])  # one envelope each
    stop.set()
    agent.run(stop, status_file)

    assert len(broker.received) == 8


def test_without_a_link_it_ends_at_once_and_keeps_everything(config, spool, status_file):
    broker, stop = MemoryBroker(reachable=False), threading.Event()
    agent = Agent(config, spool, MemoryUplink(broker), clock=SystemClock())
    spool.append("boot", [health()])
    stop.set()
    started = time.monotonic()
    agent.run(stop, status_file)

    assert time.monotonic() - started < 2
    assert read(status_file).pending["events"] == 1
    assert not read(status_file).connected
