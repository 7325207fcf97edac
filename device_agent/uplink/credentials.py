"""The three PEM files of mutual TLS, checked before the first connection.

A wrong file found here is one sentence with its place; found by the TLS library, it is an error code at every
attempt to connect, for ever. Not here: whether the broker knows the certificate.
"""

import hashlib
import ssl
from pathlib import Path
from typing import NoReturn

from device_agent.config import UplinkConfig
from device_agent.errors import ConfigError

_PROVISION = "provision this gateway again, or correct the path"


def check_credentials(config: UplinkConfig) -> None:
    """Reads certificate, private key and root certificate.

    Raises:
        ConfigError: One is missing, unreadable or not what it should be, or key and certificate are not a pair;
            names the file and the place in the configuration.
    """
    places = {"certificate": config.certificate, "ca": config.ca}
    if config.pkcs11 is None:
        places["private_key"] = config.private_key
    for field, path in places.items():
        try:
            Path(path).read_bytes()
        except OSError as exc:
            _refuse(field, path, exc.strerror or str(exc))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=config.ca)
    except (OSError, ValueError):
        _refuse("ca", config.ca, "not a certificate in PEM form")
    try:
        ssl.PEM_cert_to_DER_cert(_first_certificate(Path(config.certificate)))
    except (OSError, ValueError):
        _refuse("certificate", config.certificate, "not a certificate in PEM form")
    if config.pkcs11 is not None:
        return  # only the token can tell whether its key belongs to the certificate
    try:
        context.load_cert_chain(config.certificate, config.private_key, password="")
    except (OSError, ValueError) as exc:  # SSLError is one; so is a file that went since it was read
        mismatch = getattr(exc, "reason", "") == "KEY_VALUES_MISMATCH"
        reason = (
            f"does not belong to {config.certificate}" if mismatch else "not an unencrypted private key in PEM form"
        )
        _refuse("private_key", config.private_key, reason)


def certificate_id(path: Path) -> str:
    """AWS IoT's id of the first certificate in a file: SHA-256 of its DER, hexadecimal; empty if there is none."""
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(_first_certificate(path))).hexdigest()
    except (OSError, ValueError):
        return ""


def _first_certificate(path: Path) -> str:
    text = path.read_text(encoding="ascii", errors="replace")
    begin, end = text.find(ssl.PEM_HEADER), text.find(ssl.PEM_FOOTER)
    if begin < 0 or end < begin:
        raise ValueError("no certificate")
    return text[begin : end + len(ssl.PEM_FOOTER)]


def _refuse(field: str, path: str, reason: str) -> NoReturn:
    raise ConfigError(f"`$.uplink.{field}`: {path}: {reason}", remedy=_PROVISION)
