"""The broker of the faults forgets, and the harness carries what the rule of the cloud would."""

import base64
import json
import time

import pytest

from bench.faults.brokers import _as_the_rule_does, _issued, _reach
from bench.mosquitto import Mosquitto
from bench.tls_proxy import Authority
from device_agent.uplink.mqtt5 import Mqtt5Uplink

pytestmark = pytest.mark.timeout(60)


def until(claim, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def joined(config, name, heard):
    uplink = Mqtt5Uplink(config, client_id=name)
    uplink.connect({"things/#": heard.append}, lambda: None)
    until(lambda: uplink.link.connected)
    return uplink


def test_a_killed_broker_has_forgotten_what_it_acknowledged(tmp_path):
    authority, heard = Authority(tmp_path / "authority"), []
    with Mosquitto(tmp_path / "broker", authority) as broker:
        device = _reach(_issued(authority, "device", tmp_path / "device"), broker.port)
        reader = _reach(_issued(authority, "reader", tmp_path / "reader"), broker.port)
        sender, listener = joined(device, "device", []), joined(reader, "reader", heard)
        sender.publish("things/1", b"heard").result(timeout=5)
        until(lambda: heard == [b"heard"])
        listener.close()
        sender.publish("things/2", b"kept for the reader").result(timeout=5)
        broker.kill()
        broker.start()
        listener = joined(reader, "reader", heard)
        until(lambda: sender.link.connected, timeout_s=20)
        until(lambda: _echoes(sender, heard))
        for each in (sender, listener):
            each.close()
    assert b"kept for the reader" not in heard


def _echoes(sender, heard):
    sender.publish("things/3", b"later").result(timeout=5)
    return b"later" in heard


def test_the_envelope_travels_untouched_in_its_own_lane():
    payload = b'{"lane":"summaries","first_seq":1}'
    message = json.loads(_as_the_rule_does("gateway", payload))
    assert base64.b64decode(message["data"]) == payload
    assert (message["gateway_id"], message["lane"], message["client_id"]) == ("gateway", "summaries", "gateway")
