"""Certificates for tests, made as they are needed."""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Issued(NamedTuple):
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


def certificate_text(begins: dt.datetime, ends: dt.datetime) -> str:
    """One that nobody signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _pem(_sign(_name("gw"), key, _name("gw"), key, begins=begins, ends=ends))


class Authority:
    """A certificate authority in a folder; ``root`` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = rsa.generate_private_key(65537, 2048)
        self._name = _name("Test root")
        self.root = folder / "root.pem"
        begins, ends = _lifetime()
        certificate = _sign(self._name, self._key, self._name, self._key, begins=begins, ends=ends, authority=True)
        self.root.write_text(_pem(certificate))

    def issue(self, name: str, *, stem: str = "") -> Issued:
        """A certificate for a host or a client, with an RSA key."""
        key = rsa.generate_private_key(65537, 2048)
        begins, ends = _lifetime()
        certificate = _sign(_name(name), key, self._name, self._key, begins=begins, ends=ends)
        issued = Issued(self._folder / f"{stem or name}.pem", self._folder / f"{stem or name}.key")
        issued.certificate.write_text(_pem(certificate))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return issued


def _lifetime() -> tuple[dt.datetime, dt.datetime]:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return now - dt.timedelta(days=1), now + dt.timedelta(days=365)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _sign(  # noqa: PLR0913 - the parts of a certificate
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    issuer_key: Key,
    *,
    begins: dt.datetime,
    ends: dt.datetime,
    authority: bool = False,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
