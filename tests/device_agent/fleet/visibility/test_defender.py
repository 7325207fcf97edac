"""Reports are checked against the form that the service documents, written out anew as a JSON Schema."""

import json
import socket

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.topics import defender_topic
from device_agent.fleet.visibility.defender import LEAST_EVERY_S, Defender, Seen
from device_agent.fleet.visibility.metrics import MOST_LISTED, report
from device_agent.fleet.visibility.report_ids import RESERVED, ReportIds
from device_agent.fleet.visibility.sockets import Connection, Port, Sockets, Traffic, look
from device_agent.uplink.memory import MemoryBroker, MemoryUplink

COUNT = {"type": "integer", "minimum": 0}
PORT = {"type": "integer", "minimum": 0, "maximum": 65535}
TEXT = {"type": "string", "minLength": 1}


def strict(required, **optional):
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def listed(name, one):
    return strict({name: {"type": "array", "items": one}, "total": COUNT})


PORTS = listed("ports", strict({"port": PORT}, interface=TEXT))
SCHEMA = strict(
    {
        "header": strict({"report_id": COUNT, "version": {"const": "1.0"}}),
        "metrics": strict(
            {
                "listening_tcp_ports": PORTS,
                "listening_udp_ports": PORTS,
                "network_stats": strict(dict.fromkeys(("bytes_in", "bytes_out", "packets_in", "packets_out"), COUNT)),
                "tcp_connections": strict(
                    {
                        "established_connections": listed(
                            "connections", strict({"remote_addr": TEXT}, local_port=PORT, local_interface=TEXT)
                        )
                    }
                ),
            }
        ),
        "custom_metrics": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-zA-Z0-9_-]{1,128}$"},
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": strict({"number": {"type": "number"}}),
            },
        },
    }
)

counts = st.integers(0, 2**50)
ports = st.builds(Port, st.integers(0, 65535), st.sampled_from(["", "eth0"]))
connections = st.builds(Connection, st.just("10.0.0.1:8883"), st.integers(0, 65535), st.sampled_from(["", "wlan0"]))
sockets = st.builds(
    Sockets,
    st.lists(ports, max_size=80).map(tuple),
    st.lists(ports, max_size=80).map(tuple),
    st.lists(connections, max_size=80).map(tuple),
    st.builds(Traffic, counts, counts, counts, counts),
)
QUIET = Sockets((), (), (), Traffic(0, 0, 0, 0))


@given(sockets, sockets, st.dictionaries(st.sampled_from(["spool_pending", "gaps"]), st.floats(0, 1e9)))
def test_every_report_has_the_documented_form(now, before, custom) -> None:
    said = json.loads(report(7, now, before, custom))
    jsonschema.validate(said, SCHEMA)
    tcp = said["metrics"]["listening_tcp_ports"]
    assert tcp["total"] == len(now.tcp)
    assert len(tcp["ports"]) == min(len(now.tcp), MOST_LISTED)


def test_traffic_is_what_passed_since_the_last_report_and_never_negative() -> None:
    before = QUIET._replace(traffic=Traffic(1000, 500, 10, 99))
    now = QUIET._replace(traffic=Traffic(1500, 700, 13, 0))
    said = json.loads(report(1, now, before, {}))["metrics"]["network_stats"]
    assert said == {"bytes_in": 500, "bytes_out": 200, "packets_in": 3, "packets_out": 0}


def test_a_port_that_listens_and_a_connection_are_seen_on_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        seen = look()
        assert Port(server.getsockname()[1], "lo") in seen.tcp
        there = f"127.0.0.1:{server.getsockname()[1]}"
        assert Connection(there, client.getsockname()[1], "lo") in seen.connections


class World:
    def __init__(self, folder) -> None:
        self.now_s, self.broker = 0.0, MemoryBroker()
        self.uplink = MemoryUplink(self.broker)
        self.defender = Defender(
            self.uplink,
            "gw-1",
            ReportIds(folder / "report-ids", lambda: 1_000.0),
            see=lambda: Seen(QUIET, {"spool_pending": 3}),
            monotonic_s=lambda: self.now_s,
        )
        self.uplink.connect(self.defender.hears(), lambda: None)

    def sent(self) -> list[dict]:
        return [json.loads(payload) for _, payload in self.broker.received]


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def test_one_report_is_sent_every_five_minutes_and_none_before(world) -> None:
    for second in range(0, 1000, 5):
        world.now_s = float(second)
        world.defender.step()
    assert len(world.sent()) == 3
    assert {topic for topic, _ in world.broker.received} == {defender_topic("gw-1")}
    jsonschema.validate(world.sent()[0], SCHEMA)


def test_without_a_link_none_is_sent_and_none_is_kept(world) -> None:
    world.broker.cut()
    world.now_s = 10 * LEAST_EVERY_S
    world.defender.step()
    world.broker.restore()
    world.defender.step()
    assert len(world.sent()) == 1


def test_the_services_answers_are_counted(world) -> None:
    world.broker.say(defender_topic("gw-1", "/accepted"), b"{}")
    world.broker.say(defender_topic("gw-1", "/rejected"), b'{"statusDetails": {"ErrorCode": "InvalidPayload"}}')
    assert world.defender.counters["defender_accepted"] == world.defender.counters["defender_rejected"] == 1


def test_numbers_of_reports_grow_through_restarts_and_a_clock_that_is_set_back(tmp_path) -> None:
    path, numbers = tmp_path / "ids", []
    for wall_s in (1_000.0, 50.0, 10.0, 100_000.0, 3.0):
        ids = ReportIds(path, lambda wall_s=wall_s: wall_s)
        numbers += [ids.next() for _ in range(RESERVED // 2)]
    assert numbers == sorted(set(numbers))


def test_a_disk_that_takes_nothing_ends_no_report(tmp_path) -> None:
    ids = ReportIds(tmp_path / "missing" / "ids", lambda: 5.0)
    assert [ids.next(), ids.next()] == [6, 7]
