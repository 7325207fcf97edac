"""The first identity on a cloud that enforces policies: with a claim certificate, over MQTT, by the deployed hook."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cloud_functions.core.der import public_key_digest
from device_agent.config import GatewayConfig
from device_agent.errors import UplinkError
from device_agent.fleet.identity.connecting import connected
from device_agent.fleet.identity.first import provisioning
from device_agent.fleet.identity.own import own_rotation
from device_agent.fleet.identity.registrar import RegistrationRefusedError
from device_agent.fleet.identity.store import store_of
from device_agent.fleet.identity.turn import Journal
from device_agent.fleet.port import Outcome
from device_agent.uplink.credentials import certificate_id
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from operations.fleet.serials import serial_of
from tests.device_agent.fleet.identity.rotating import task_of
from tests.device_agent.fleet.identity.site import Site
from tests.device_agent.uplink.mosquitto import tool
from tests.device_agent.uplink.tokens import new_token


def test_a_new_gateway_gets_thing_certificate_policy_type_and_group(site: Site, tmp_path: Path):
    config = site.new_gateway(tmp_path)

    provisioning(config).run()

    thing = site.iot.describe_thing(thingName=config.gateway)
    assert thing["attributes"] == {"serial": config.fleet.identity.serial, "site": "hall-2"}
    assert thing["thingTypeName"]
    assert site.iot.list_thing_groups_for_thing(thingName=config.gateway)["thingGroups"]
    mine = certificate_id(store_of(config).certificate)
    assert site.certificates(config.gateway) == {mine: "ACTIVE"}
    assert not (tmp_path / "claim.key").exists()
    row = serial_of(site.stack, config.fleet.identity.serial)
    assert row is not None
    assert len(row.key_digest) == 64


def test_a_serial_nobody_allowed_gets_nothing_and_is_told_what_to_do(site: Site, tmp_path: Path):
    config = site.new_gateway(tmp_path, allowed=False)

    with pytest.raises(RegistrationRefusedError, match=config.fleet.identity.serial) as refused:
        provisioning(config).run()

    assert "thresher fleet allow" in refused.value.remedy
    assert (tmp_path / "claim.key").exists()
    with pytest.raises(site.iot.exceptions.ResourceNotFoundException):
        site.iot.describe_thing(thingName=config.gateway)


def test_a_claim_cannot_connect_as_a_gateway(site: Site, tmp_path: Path):

    config = site.new_gateway(tmp_path)
    assert config.uplink is not None
    claim = msgspec.structs.replace(
        config.uplink, certificate=str(tmp_path / "claim.pem"), private_key=str(tmp_path / "claim.key")
    )
    with pytest.raises(UplinkError, match="NOT_AUTHORIZED"), connected(claim, config.gateway, within_s=2):
        pass


def rotate(config: GatewayConfig, job: str) -> Outcome:
    """One rotation over a connection of its own."""
    assert config.uplink is not None
    uplink = Mqtt5Uplink(config.uplink, client_id=config.gateway)
    rotation = own_rotation(config, uplink, ask_s=20.0)
    uplink.connect(rotation.hears(), lambda: None)
    task = task_of(job)
    try:
        assert rotation.refusal(task.action) == ""
        return rotation.perform(task)
    finally:
        uplink.close()


def test_a_certificate_is_rotated_within_a_job_and_the_old_one_deactivated(site: Site, tmp_path: Path):
    config = site.new_gateway(tmp_path)
    provisioning(config).run()
    old = certificate_id(store_of(config).certificate)

    outcome = rotate(config, site.order(config.gateway))

    assert outcome.status == "SUCCEEDED", outcome
    new = certificate_id(store_of(config).certificate)
    assert new != old
    assert site.certificates(config.gateway) == {new: "ACTIVE"}
    assert site.status(old) == "INACTIVE"
    assert site.policies(new) == [site.deployment.outputs.gateway_policy_name]


def test_no_certificate_is_made_outside_of_a_rotation(site: Site, tmp_path: Path):
    config = site.new_gateway(tmp_path)
    provisioning(config).run()
    old = certificate_id(store_of(config).certificate)

    outcome = rotate(config, site.order(config.gateway, "restart"))

    assert outcome.status == "FAILED"
    assert "does not ask" in outcome.reason
    assert site.certificates(config.gateway) == {old: "ACTIVE"}


@pytest.mark.story
@pytest.mark.parametrize("kept_in", ["a file", "a token"])
def test_an_agent_rotates_its_certificate_by_a_job_of_the_cloud(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_in: str
):
    config = site.new_gateway(tmp_path, key=in_a_token(tmp_path, monkeypatch) if kept_in == "a token" else "")
    thresher = [sys.executable, "-m", "thresher"]
    document = ["--config", str(tmp_path / "gateway.yaml")]
    subprocess.run([*thresher, "provision", *document], check=True, timeout=60)
    store = store_of(config)
    old, before = certificate_id(store.certificate), public_key_digest(store.certificate.read_text())

    with subprocess.Popen([*thresher, "agent", *document], stderr=subprocess.DEVNULL) as agent:
        try:
            job = site.order(config.gateway)
            until(lambda: site.job(job, config.gateway) not in ("QUEUED", "IN_PROGRESS"))
        finally:
            agent.terminate()

    assert site.job(job, config.gateway) == "SUCCEEDED"
    assert site.status(old) == "INACTIVE"
    assert site.certificates(config.gateway) == {certificate_id(store.certificate): "ACTIVE"}
    same_key = public_key_digest(store.certificate.read_text()) == before
    assert same_key == (kept_in == "a token"), "a key in a token is the device's for life"
    assert bool(list(store.folder.rglob("*.key"))) == (kept_in == "a file")


@pytest.mark.story
def test_an_agent_killed_while_it_tries_a_certificate_goes_on_with_it(site: Site, tmp_path: Path):
    config = site.new_gateway(tmp_path)
    provisioning(config).run()
    store = store_of(config)
    old, journal = certificate_id(store.certificate), Journal(store)
    agent = [sys.executable, "-m", "thresher", "agent", "--config", str(tmp_path / "gateway.yaml")]

    job = site.order(config.gateway)
    with subprocess.Popen(agent, stderr=subprocess.DEVNULL) as first:
        until(lambda: (turn := journal.read()) is not None and turn.phase == "trying")
        first.kill()
    assert site.job(job, config.gateway) == "IN_PROGRESS"
    with subprocess.Popen(agent, stderr=subprocess.DEVNULL) as second:
        try:
            until(lambda: site.job(job, config.gateway) != "IN_PROGRESS")
        finally:
            second.terminate()

    assert site.job(job, config.gateway) == "SUCCEEDED"
    assert site.certificates(config.gateway) == {certificate_id(store.certificate): "ACTIVE"}
    assert site.status(old) == "INACTIVE"


def in_a_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the document: an empty token, for processes of their own: a PKCS#11 library stays as it was first loaded."""
    tool("pkcs11-tool", "opensc")
    words = msgspec.to_builtins(new_token(folder, monkeypatch)).items()
    return f"pkcs11: {{{', '.join(f'{name}: {value}' for name, value in words)}}}"


def until(wanted: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.02)
