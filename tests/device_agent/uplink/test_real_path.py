"""Spool to queue over mutual TLS, policies enforced: what arrives, what is refused, what a broken link costs."""

import base64
import contextlib
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from contract.codec import decode_envelope, encode_stored
from contract.envelope import Stored
from contract.health import Health
from contract.topics import stored_topic
from device_agent.agent import Agent, AgentStatus
from device_agent.clock import SystemClock
from device_agent.config import GatewayConfig, parse
from device_agent.spool.sqlite import SqliteSpool
from device_agent.uplink.mqtt5 import Mqtt5Uplink

WAIT_S = 30.0
DOCUMENT = """
gateway: {gateway}
state_dir: {state}
sensors: [{{type: host, name: host}}]
uplink:
  endpoint: localhost
  port: {port}
  certificate: {files.certificate}
  private_key: {files.private_key}
  ca: {files.ca}
  keep_alive_s: 5
  linger_s: 0.2
"""


def health(number: int = 0) -> Health:
    return Health(wall_ms=number, monotonic_ms=0, version="1", uptime_ms=0, interval_ms=1, sensors={})


def until(wanted: Callable[[], bool], what: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + WAIT_S
    while not wanted():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


class Gateway:
    """A spool, the document of its agent, and what reached the queue from it."""

    def __init__(self, site, link, folder: Path) -> None:
        self.site = site
        self.gateway_id = f"gw-{uuid.uuid4().hex[:8]}"
        text = DOCUMENT.format(gateway=self.gateway_id, state=folder, port=link.port, files=site.files(self.gateway_id))
        self.document = folder / "gateway.yaml"
        self.document.write_text(text)
        self.config: GatewayConfig = parse(text.encode(), source="test")
        self.spool = SqliteSpool(folder / "spool.sqlite3")
        self.status_file = folder / "agent-status.json"
        self.seen: dict[int, bytes] = {}
        self.copies = 0

    def accept(self, count: int) -> None:
        for number in range(count):
            self.spool.append("boot", [health(number)])

    def collect(self) -> set[int]:
        for message in self.site.arrived():
            if message["gateway_id"] != self.gateway_id:
                continue  # another test's
            raw = base64.b64decode(message["data"])
            envelope = decode_envelope(raw)
            assert message["client_id"] == envelope.gateway_id == self.gateway_id
            assert self.seen.setdefault(envelope.first_seq, raw) == raw  # a second copy is the same bytes
            self.copies += 1
        return {seq for raw in self.seen.values() for seq in sequences(raw)}

    def stored(self, through: int) -> None:
        answer = Stored(spool_id=self.spool.spool_id, lane="events", through=through)
        self.site.say(stored_topic(self.gateway_id), encode_stored(answer))

    def status(self) -> AgentStatus:
        return msgspec.json.decode(self.status_file.read_bytes(), type=AgentStatus)

    @contextlib.contextmanager
    def agent(self) -> Iterator[Agent]:
        """Runs the agent in this process until the block ends."""
        uplink = Mqtt5Uplink(self.config.uplink, client_id=self.gateway_id)
        agent = Agent(self.config, self.spool, uplink, clock=SystemClock())
        stop = threading.Event()
        thread = threading.Thread(target=agent.run, args=(stop, self.status_file))
        thread.start()
        try:
            yield agent
        finally:
            stop.set()
            thread.join(timeout=20)
        assert not thread.is_alive()


def sequences(raw: bytes) -> range:
    envelope = decode_envelope(raw)
    return range(envelope.first_seq, envelope.last_seq + 1)


@pytest.fixture
def gateway(site, link, tmp_path):
    made = Gateway(site, link, tmp_path)
    yield made
    made.spool.close()


def test_what_was_accepted_reaches_the_queue_and_is_forgotten_when_stored(gateway):
    gateway.accept(5)
    with gateway.agent():
        until(lambda: gateway.collect() == {1, 2, 3, 4, 5})
        assert gateway.spool.pending()["events"] == 5
        gateway.stored(through=5)
        until(lambda: gateway.spool.pending()["events"] == 0)

    status = gateway.status()
    assert (status.resent, status.refused, status.failed) == (0, 0, 0)
    assert status.sent_bytes == sum(map(len, gateway.seen.values()))


def test_another_client_id_than_the_things_own_is_refused(gateway):
    uplink = Mqtt5Uplink(gateway.config.uplink, client_id="somebody-else")
    uplink.connect({"fleet/somebody-else/stored": lambda _: None}, lambda: None)
    until(lambda: uplink.link.failures > 0, lambda: uplink.link)
    uplink.close()

    assert not uplink.link.connected
    assert "NOT_AUTHORIZED" in uplink.link.reason


def test_a_broken_link_loses_nothing_and_repeats_only_what_was_on_the_way(gateway, link):
    gateway.accept(3)
    with gateway.agent() as agent:
        until(lambda: gateway.collect() == {1, 2, 3})
        link.cut()
        until(lambda: not agent.status().connected, agent.status)
        gateway.accept(20)
        link.restore()
        until(lambda: gateway.collect() == set(range(1, 24)), agent.status)

    assert gateway.copies - len(gateway.seen) <= gateway.config.uplink.in_flight
    assert gateway.status().connects == 2


def test_a_link_that_breaks_again_and_again_under_load_loses_nothing(gateway, link):
    with gateway.agent() as agent:
        for _ in range(3):
            until(lambda: agent.status().connected, agent.status)
            gateway.accept(15)
            link.cut()
            gateway.accept(15)
            link.restore()
        until(lambda: gateway.collect() == set(range(1, 91)), agent.status)
    assert gateway.status().given_up == 0


def test_a_link_that_swallows_everything_is_noticed_and_loses_nothing(gateway, link):
    with gateway.agent() as agent:
        until(lambda: agent.status().connected, agent.status)
        link.stall()
        gateway.accept(10)
        until(lambda: not agent.status().connected, agent.status)  # keep-alive 5 s, answer within 2.5 s
        gateway.accept(10)
        link.restore()
        until(lambda: gateway.collect() == set(range(1, 21)), agent.status)


def test_a_broker_that_is_away_at_the_start_is_found_later(gateway, link):
    link.cut()
    gateway.accept(1)
    with gateway.agent() as agent:
        until(lambda: agent.status().connect_failures > 0, agent.status)
        link.restore()
        until(lambda: gateway.collect() == {1}, agent.status)


@pytest.fixture
def start_agent(gateway):
    command = [sys.executable, "-m", "thresher", "agent", "--config", str(gateway.document)]
    children: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        children.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.wait(timeout=10)


def test_an_agent_killed_at_work_goes_on_where_it_was(gateway, start_agent):
    gateway.accept(10)
    first = start_agent()
    until(lambda: len(gateway.collect()) > 0)
    first.kill()
    first.wait(timeout=10)
    gateway.accept(10)
    second = start_agent()
    until(lambda: gateway.collect() == set(range(1, 21)))
    gateway.stored(through=20)
    until(lambda: gateway.spool.pending()["events"] == 0)
    second.send_signal(signal.SIGTERM)

    assert second.wait(timeout=20) == 0
