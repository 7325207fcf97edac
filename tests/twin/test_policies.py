from pathlib import Path

import pytest

from contract.certificates import VERBS
from contract.topics import (
    certificate_topic,
    events_topic,
    feedback_topic,
    jobs_topic,
    logs_topic,
    shadow_topic,
    stored_topic,
    tunnels_topic,
)
from tests.twin.mqtt import NOT_AUTHORISED, PUBLISHED, Device, RefusedError
from twin.cloud import Deployment
from twin.provision import DeviceFiles


@pytest.fixture(scope="module")
def barn(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> DeviceFiles:
    return deployment.provisioner().provision("barn", tmp_path_factory.mktemp("barn"))


@pytest.fixture(scope="module")
def mill(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> DeviceFiles:
    return deployment.provisioner().provision("mill", tmp_path_factory.mktemp("mill"))


def test_without_a_client_certificate_nobody_connects(deployment: Deployment, barn: DeviceFiles) -> None:
    with pytest.raises(RefusedError):
        Device(deployment.endpoint, barn.ca, None, "barn")


def test_a_certificate_connects_as_its_own_thing_only(
    deployment: Deployment, barn: DeviceFiles, mill: DeviceFiles
) -> None:
    with Device(deployment.endpoint, mill.ca, mill, "mill"):
        pass
    with pytest.raises(RefusedError):
        Device(deployment.endpoint, barn.ca, barn, "mill")


def test_a_gateway_publishes_to_its_own_topics_only(
    deployment: Deployment, barn: DeviceFiles, mill: DeviceFiles
) -> None:
    assert mill.certificate.exists()
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        assert device.publish(events_topic("barn", "events"), b"{}") in PUBLISHED
        assert device.publish(events_topic("mill", "events"), b"{}") == NOT_AUTHORISED
        assert device.publish(logs_topic("barn"), b"[]") in PUBLISHED
        assert device.publish(logs_topic("mill"), b"[]") == NOT_AUTHORISED


def test_a_gateway_hears_its_own_watermark_only(deployment: Deployment, barn: DeviceFiles) -> None:
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        assert device.subscribe(stored_topic("barn")) == 1
        assert device.subscribe(stored_topic("mill")) == NOT_AUTHORISED


def test_a_gateway_hears_and_answers_its_own_jobs_only(deployment: Deployment, barn: DeviceFiles) -> None:
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        assert device.publish(jobs_topic("barn", "$next/get"), b"{}") in PUBLISHED
        assert device.publish(jobs_topic("mill", "$next/get"), b"{}") == NOT_AUTHORISED
        for what in ("notify", "notify-next", "+/get/accepted", "+/get/rejected", "+/update/accepted"):
            assert device.subscribe(jobs_topic("barn", what)) == 1
        assert device.subscribe(jobs_topic("mill", "notify-next")) == NOT_AUTHORISED
        assert device.subscribe("$aws/things/+/jobs/notify-next") == NOT_AUTHORISED
        assert device.subscribe(jobs_topic("mill", "+/update/accepted")) == NOT_AUTHORISED


def test_a_gateway_may_say_nothing_of_jobs_but_what_it_does(deployment: Deployment, barn: DeviceFiles) -> None:
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        for what in ("start-next", "get", "notify", "notify-next", "j-1/update/accepted"):
            assert device.publish(jobs_topic("barn", what), b"{}") not in PUBLISHED


def test_a_gateway_hears_what_people_said_of_its_own_episodes_only(deployment: Deployment, barn: DeviceFiles) -> None:
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        assert device.subscribe(feedback_topic("barn")) == 1
        assert device.subscribe(feedback_topic("mill")) == NOT_AUTHORISED
        assert device.publish(feedback_topic("barn"), b"{}") == NOT_AUTHORISED


def test_a_gateway_hears_and_answers_its_own_shadows_only(deployment: Deployment, barn: DeviceFiles) -> None:
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        assert device.subscribe(shadow_topic("barn", "thresher", "get/accepted")) == 1
        assert device.subscribe(shadow_topic("barn", "thresher", "update/delta")) == 1
        assert device.publish(shadow_topic("barn", "thresher", "get"), b"") in PUBLISHED
        assert device.publish(shadow_topic("barn", "thresher", "update"), b"{}") in PUBLISHED
        assert device.publish(shadow_topic("barn", "thresher", "delete"), b"") == NOT_AUTHORISED
        assert device.subscribe(shadow_topic("mill", "thresher", "update/delta")) == NOT_AUTHORISED
        assert device.publish(shadow_topic("mill", "thresher", "get"), b"") == NOT_AUTHORISED


def test_a_gateway_hears_of_its_own_tunnels_only(deployment: Deployment, barn: DeviceFiles) -> None:
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        assert device.subscribe(tunnels_topic("barn")) == 1
        assert device.subscribe(tunnels_topic("mill")) == NOT_AUTHORISED
        assert device.publish(tunnels_topic("barn"), b"{}") == NOT_AUTHORISED


def test_nobody_else_can_read_a_gateways_identity(barn: DeviceFiles) -> None:
    for path in (barn.certificate, barn.private_key, barn.ca):
        assert path.stat().st_mode & 0o077 == 0
    assert Path(barn.private_key).read_bytes().startswith(b"-----BEGIN")


def test_a_gateway_asks_for_its_own_certificate_only_and_cannot_answer(
    deployment: Deployment, barn: DeviceFiles
) -> None:
    with Device(deployment.endpoint, barn.ca, barn, "barn") as device:
        assert device.subscribe(certificate_topic("barn")) == 1
        assert device.subscribe(certificate_topic("mill")) == NOT_AUTHORISED
        assert device.publish(certificate_topic("barn"), b"{}") == NOT_AUTHORISED
        for verb in VERBS:
            assert device.publish(certificate_topic("mill", verb), b"{}") == NOT_AUTHORISED
            assert device.publish(certificate_topic("barn", verb), b"{}") in PUBLISHED


@pytest.fixture(scope="module")
def claim(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> DeviceFiles:
    """A claim certificate: a device's files without the device's policy."""
    files = deployment.provisioner().provision("claim-holder", tmp_path_factory.mktemp("claim"))
    iot = deployment.clients.make("iot")
    (arn,) = iot.list_thing_principals(thingName="claim-holder")["principals"]
    iot.detach_policy(policyName=deployment.outputs.gateway_policy_name, target=arn)
    iot.attach_policy(policyName=deployment.outputs.claim_policy_name, target=arn)
    return files


def test_a_claim_may_ask_for_an_identity_and_for_nothing_else(deployment: Deployment, claim: DeviceFiles) -> None:
    template = f"$aws/provisioning-templates/{deployment.outputs.provisioning_template_name}/provision/json"
    with Device(deployment.endpoint, claim.ca, claim, "claim-1") as device:
        for topic in ("$aws/certificates/create-from-csr/json", template):
            assert device.subscribe(f"{topic}/accepted") == 1
            assert device.publish(topic, b"{}") in PUBLISHED
        assert device.publish("$aws/certificates/create/json", b"{}") == NOT_AUTHORISED, "no key is made in the cloud"
        assert device.publish(events_topic("mill", "events"), b"{}") == NOT_AUTHORISED
        assert device.subscribe(jobs_topic("mill", "notify-next")) == NOT_AUTHORISED
        assert device.publish(certificate_topic("mill", "request"), b"{}") == NOT_AUTHORISED
        assert device.subscribe("#") == NOT_AUTHORISED
    with pytest.raises(RefusedError):
        Device(deployment.endpoint, claim.ca, claim, "mill")
