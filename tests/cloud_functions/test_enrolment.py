"""Who may come by claim: the provisioning hook's rule."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloud_functions.core.der import public_key_digest
from cloud_functions.core.devices import SerialRow
from cloud_functions.core.enrolment import Applicant, Enrolment, Verdict
from cloud_functions.core.keys import serial_key
from cloud_functions.core.ports import Table
from tests.cloud_functions.make import NOW_MS

SERIAL, NAME = "S-1", "press-3"


def certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now, name = dt.datetime.now(dt.UTC), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "d")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return certificate(key).public_bytes(serialization.Encoding.PEM).decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def allowed(table: Table, serial: str = SERIAL, **differing: object) -> None:
    pk, sk = serial_key(serial)
    values = {"pk": pk, "sk": sk, "serial": serial, "gateway_id": NAME, "site": "hall-2", **differing}
    table.insert(SerialRow(**values))  # type: ignore[arg-type]


def ask(table: Table, key: ec.EllipticCurvePrivateKey, serial: str = SERIAL, **parameters: object) -> Verdict:
    applicant = Applicant(
        certificate_id="c", certificate_pem=pem(key), parameters={"SerialNumber": serial, **parameters}
    )
    return Enrolment(table, lambda: NOW_MS, policy="all").judge(applicant)


def test_the_digest_is_of_the_public_key_whatever_the_certificate():
    key = new_key()
    assert public_key_digest(pem(key)) == public_key_digest(pem(key))
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public)
    assert public_key_digest(pem(key)) == digest.finalize().hex()


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_said_to_be_none(text: str):
    with pytest.raises(ValueError, match=r".+"):
        public_key_digest(text)


def test_an_allowed_serial_gets_the_operators_name_and_site(table: Table):
    allowed(table, "S-a")
    verdict = ask(table, new_key(), "S-a")
    assert verdict == Verdict(
        allowed=True, reason="", overrides={"ThingName": NAME, "Site": "hall-2", "PolicyName": "all"}
    )


def test_a_core_gets_its_own_policy_whatever_it_asks_for(table: Table):
    allowed(table, "S-core", policy="thresher-core-press-3")
    verdict = ask(table, new_key(), "S-core", PolicyName="admin")
    assert verdict.overrides["PolicyName"] == "thresher-core-press-3"


def test_an_unknown_serial_gets_nothing(table: Table):
    assert not ask(table, new_key(), "S-unknown").allowed


def test_a_forbidden_serial_gets_nothing(table: Table):
    allowed(table, "S-b", allowed=0)
    assert not ask(table, new_key(), "S-b").allowed


def test_the_same_key_may_come_again_and_another_may_not(table: Table):
    allowed(table, "S-c")
    key = new_key()
    assert ask(table, key, "S-c").allowed
    assert ask(table, key, "S-c").allowed
    refused = ask(table, new_key(), "S-c")
    assert not refused.allowed
    assert "another key" in refused.reason


def test_a_device_cannot_choose_its_name(table: Table):
    allowed(table, "S-d")
    refused = ask(table, new_key(), "S-d", ThingName="press-4")
    assert not refused.allowed
    assert ask(table, new_key(), "S-d", ThingName=NAME).allowed, "and a refusal binds nothing"


@pytest.mark.parametrize("odd", [None, 7, ["x"], {"a": 1}])
def test_a_parameter_of_a_wrong_kind_is_no_serial(table: Table, odd: object):
    applicant = Applicant(certificate_id="c", certificate_pem=pem(new_key()), parameters={"SerialNumber": odd})
    assert not Enrolment(table, lambda: NOW_MS, policy="all").judge(applicant).allowed
