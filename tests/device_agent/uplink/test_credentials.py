"""Wrong PEM files are found before the first connection, each with its place."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from device_agent.config import UplinkConfig
from device_agent.errors import ConfigError
from device_agent.uplink.credentials import check_credentials


def write_pair(folder: Path, name: str) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begin = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file.write_bytes(secret)
    return str(certificate_file), str(key_file)


@pytest.fixture
def good(tmp_path):
    certificate, key = write_pair(tmp_path, "gw")
    return UplinkConfig(endpoint="localhost", certificate=certificate, private_key=key, ca=certificate)


def test_a_matching_pair_and_a_root_are_taken(good):
    check_credentials(good)


@pytest.mark.parametrize("field", ["certificate", "private_key", "ca"])
def test_a_missing_file_is_named_with_its_place_and_a_remedy(good, field):
    broken = msgspec.structs.replace(good, **{field: "/nowhere/file.pem"})

    with pytest.raises(ConfigError, match="No such file") as caught:
        check_credentials(broken)

    assert f"`$.uplink.{field}`: /nowhere/file.pem" in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("field", ["certificate", "private_key", "ca"])
@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"])
def test_a_file_that_is_something_else_is_named_with_its_place(good, tmp_path, field, content):
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(content)

    with pytest.raises(ConfigError, match=rf"\$\.uplink\.{field}`: {wrong}"):
        check_credentials(msgspec.structs.replace(good, **{field: str(wrong)}))


def test_a_key_of_another_certificate_is_refused(good, tmp_path):
    _, other_key = write_pair(tmp_path, "other")

    with pytest.raises(ConfigError, match=r"private_key`.*does not belong to"):
        check_credentials(msgspec.structs.replace(good, private_key=other_key))
