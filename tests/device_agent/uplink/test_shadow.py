"""A named shadow at a broker with mutual TLS and policies: from the cloud's wish to the gateway's document."""

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from device_agent import VERSION
from device_agent.config import load
from tests.device_agent.uplink.test_real_path import DOCUMENT, until


@pytest.fixture
def gateway(site, link, tmp_path):
    name = f"gw-{uuid.uuid4().hex[:8]}"
    text = DOCUMENT.format(gateway=name, state=tmp_path, port=link.port, files=site.files(name))
    document: Path = tmp_path / "gateway.yaml"
    document.write_text(text + "  shadow: thresher\n")
    return name, document


def want(site, name, **desired):
    payload = json.dumps({"state": {"desired": desired}}).encode()
    site.data.update_thing_shadow(thingName=name, shadowName="thresher", payload=payload)


def reported(site, name, shadow="thresher"):
    answer = site.data.get_thing_shadow(thingName=name, shadowName=shadow)
    return json.loads(answer["payload"].read())["state"].get("reported", {})


def running(document):
    command = [sys.executable, "-m", "thresher", "agent", "--config", str(document)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))


def shown(site, name, shadow):
    try:
        return reported(site, name, shadow)
    except site.data.exceptions.ResourceNotFoundException:
        return {}


def test_an_agent_reports_its_versions_where_dynamic_groups_can_ask_for_them(site, gateway):
    name, document = gateway
    agent = running(document)
    try:
        until(lambda: shown(site, name, "$package"), lambda: "no $package")
        assert reported(site, name, "$package")["thresher"]["version"] == VERSION
        until(lambda: shown(site, name, "state"), lambda: "no state")
        assert reported(site, name, "state")["software"]["version"] == VERSION
    finally:
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(20) == 0


def test_an_agent_takes_what_its_shadow_wants_and_refuses_what_cannot_be(site, gateway):
    name, document = gateway
    want(site, name, health_s=30)
    agent = running(document)
    try:
        until(lambda: reported(site, name) == {"health_s": 30}, lambda: reported(site, name))
        assert load(document).health_s == 30
        want(site, name, health_s="often")
        until(lambda: "$.health_s" in reported(site, name).get("refused", ""), lambda: reported(site, name))
        assert load(document).health_s == 30
        want(site, name, health_s=20, filter={"hop_scans": 2})
        wanted = {"health_s": 20, "filter": {"hop_scans": 2}}
        until(lambda: reported(site, name) == wanted, lambda: reported(site, name))
        assert load(document).filter.hop_scans == 2
    finally:
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(20) == 0
