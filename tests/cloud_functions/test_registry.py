"""One suite over every adapter of the ``Registry`` and ``Orders`` ports of certificate renewal."""

import hashlib
import json
import uuid
from typing import Any, Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloud_functions.adapters.memory_registry import MemoryOrders, MemoryRegistry
from cloud_functions.adapters.registry import IotOrders, IotRegistry
from cloud_functions.core.renewal import Made, Orders, Registry


def request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "d")])
    built = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return built.public_bytes(serialization.Encoding.PEM).decode()


class Place(Protocol):
    """A registry with one gateway."""

    registry: Registry
    orders: Orders
    gateway_id: str
    old_id: str

    def is_active(self, certificate_id: str) -> bool: ...

    def policies(self, certificate_id: str) -> list[str]: ...

    def order(self, action: str) -> str: ...


class InMemory:
    def __init__(self) -> None:
        self.gateway_id, self.old_id = "gw-1", "0" * 64
        self.registry, self.orders = MemoryRegistry(self._sign), MemoryOrders()
        self.registry.put(self.gateway_id, self.old_id)

    def is_active(self, certificate_id: str) -> bool:
        return certificate_id in self.registry.active

    def policies(self, certificate_id: str) -> list[str]:
        return self.registry.policies.get(certificate_id, [])

    def order(self, action: str) -> str:
        return self.orders.order(self.gateway_id) if action == "rotateCertificate" else "other"

    def _sign(self, csr: str) -> Made | None:
        return Made(hashlib.sha256(csr.encode()).hexdigest(), f"PEM of {csr}") if "REQUEST" in csr else None


class InIot:
    def __init__(self, iot: Any, policy: str) -> None:
        self._iot = iot
        self.registry, self.orders = IotRegistry(iot), IotOrders(iot)
        self.gateway_id = f"gw-{uuid.uuid4().hex[:8]}"
        self._arn = iot.create_thing(thingName=self.gateway_id)["thingArn"]
        issued = iot.create_keys_and_certificate(setAsActive=True)
        self.old_id = issued["certificateId"]
        iot.attach_policy(policyName=policy, target=issued["certificateArn"])
        iot.attach_thing_principal(thingName=self.gateway_id, principal=issued["certificateArn"])

    def is_active(self, certificate_id: str) -> bool:
        known = self._iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]
        return bool(known["status"] == "ACTIVE")

    def policies(self, certificate_id: str) -> list[str]:
        known = self._iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]
        attached = self._iot.list_attached_policies(target=known["certificateArn"])["policies"]
        return [each["policyName"] for each in attached]

    def order(self, action: str) -> str:
        document = {"version": "1.0", "steps": [{"action": {"name": "n", "type": action, "input": {}}}]}
        job = f"job-{uuid.uuid4().hex[:8]}"
        self._iot.create_job(jobId=job, targets=[self._arn], document=json.dumps(document))
        return job


@pytest.fixture(params=["memory", "iot"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return InMemory()
    deployment = request.getfixturevalue("deployment")
    return InIot(deployment.clients.make("iot"), deployment.outputs.gateway_policy_name)


def made_of(place: Place) -> Made:
    made = place.registry.make(request())
    assert made is not None
    return made


def test_a_new_certificate_is_good_for_nothing_until_it_is_admitted(place: Place):
    made = made_of(place)
    assert not place.is_active(made.certificate_id)
    assert not place.registry.holds(place.gateway_id, made.certificate_id)


def test_what_is_no_request_makes_nothing(place: Place):
    assert place.registry.make("nonsense") is None


def test_an_admitted_one_is_as_the_old_one_and_admitting_it_twice_changes_nothing(place: Place):
    made = made_of(place)
    for _ in range(2):
        assert place.registry.admit(place.gateway_id, made.certificate_id, like=place.old_id) == made.pem
        assert place.is_active(made.certificate_id)
        assert place.registry.holds(place.gateway_id, made.certificate_id)
        assert place.policies(made.certificate_id) == place.policies(place.old_id) != []


def test_an_expelled_one_is_good_for_nothing_however_often(place: Place):
    for _ in range(2):
        place.registry.expel(place.gateway_id, place.old_id)
        assert not place.is_active(place.old_id)
        assert not place.registry.holds(place.gateway_id, place.old_id)
        assert place.policies(place.old_id) == []


def test_only_a_job_that_says_so_and_runs_here_orders_a_rotation(place: Place):
    job = place.order("rotateCertificate")
    assert place.orders.is_rotating(place.gateway_id, job, 1)
    assert not place.orders.is_rotating("another", job, 1)
    assert not place.orders.is_rotating(place.gateway_id, job, 2)
    assert not place.orders.is_rotating(place.gateway_id, "none", 1)
    assert not place.orders.is_rotating(place.gateway_id, place.order("restart"), 1)
