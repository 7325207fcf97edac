"""An operator's rule over two sensors: judged on the gateway without a network, then told to a person by the cloud."""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device_agent.agent import Agent
from device_agent.clock import SystemClock
from device_agent.config import GatewayConfig, load
from device_agent.machine import this_machine
from device_agent.sensing import RUN_STATUS_FILE, run_sensing
from device_agent.spool.opening import open_spool
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from twin.cloud import Deployment, LocalCloud

DEADLINE_S = 40.0
NAME = "gw-rules"
DOCUMENT = """
gateway: {name}
state_dir: state
sensors:
  - {{type: replay, name: oven, path: oven.csv, speed: 20}}
  - {{type: replay, name: pump, path: pump.csv, speed: 20}}
rules:
  - name: oven-hot
    when: oven.t > 90 and not pump.running
    clear_when: oven.t < 85
    severity: critical
    outputs: [lamp]
outputs:
  - {{type: simulated, name: lamp}}
uplink:
  {{endpoint: localhost, port: {port}, certificate: "{certificate}", private_key: "{key}", ca: "{ca}", linger_s: 0.1}}
"""


def _until(wanted: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not (seen := wanted()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        time.sleep(0.05)
    return seen


def _prepared(deployment: Deployment, folder: Path) -> GatewayConfig:
    """The pump runs throughout the first heat, and stands during the second."""
    for name, channel, value in (
        ("oven", "t", lambda n: 95 if 100 <= n < 150 or 300 <= n < 400 else 80),
        ("pump", "running", lambda n: int(n < 225)),
    ):
        rows = [f"2026-01-01T00:{n // 600:02d}:{n % 600 / 10:04.1f}Z,{value(n)}" for n in range(500)]
        (folder / f"{name}.csv").write_text("\n".join([f"timestamp,{channel}", *rows]) + "\n")
    identity = deployment.provisioner().provision(NAME, folder / "identity")
    places = {"certificate": identity.certificate, "key": identity.private_key, "ca": identity.ca}
    document = DOCUMENT.format(name=NAME, port=deployment.endpoint.mqtt_port, **places)
    (folder / "gateway.yaml").write_text(document)
    return load(folder / "gateway.yaml")


def _sensed(config: GatewayConfig) -> None:
    """Senses, with no network, until the lamp was on and off."""
    stop, status = threading.Event(), Path(config.state_dir) / RUN_STATUS_FILE
    sensing = threading.Thread(target=run_sensing, args=(config, stop))
    sensing.start()
    _until(lambda: status.exists() and json.loads(status.read_bytes())["counters"].get("output.lamp.switches") == 2)
    stop.set()
    sensing.join(DEADLINE_S)


@pytest.mark.story
def test_what_a_rule_said_offline_becomes_an_alert_with_its_name_and_reason(tmp_path: Path) -> None:
    with LocalCloud(tmp_path / "cloud") as cloud:
        deployment = cloud.start()
        config, stop = _prepared(deployment, tmp_path), threading.Event()
        _sensed(config)
        with contextlib.closing(open_spool(config, this_machine().hardware)) as spool:
            assert config.uplink is not None
            agent = Agent(config, spool, Mqtt5Uplink(config.uplink, client_id=NAME), clock=SystemClock())
            forwarding = threading.Thread(target=agent.run, args=(stop, tmp_path / "agent-status.json"))
            forwarding.start()
            alerts = _until(lambda: deployment.inbox.alerts)
            backend = deployment.backend()
            path = f"/api/gateways/{NAME}?minutes=60"
            episodes = _until(lambda: json.loads(backend.api(path).body).get("episodes"))
            stop.set()
            forwarding.join(DEADLINE_S)
        cloud.check()
    (alert,) = alerts
    assert (alert.severity, alert.sensor, alert.top_channel) == ("critical", "oven", "t")
    assert alert.reason == "oven-hot: oven.t > 90 and not pump.running (oven.t is 95, pump.running is 0)"
    assert [(one["rule"], one["phase"]) for one in episodes] == [("oven-hot", "closed")]
