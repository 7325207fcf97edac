"""Of a certificate only what tells whose key it is: SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), by walking the DER.

The service has checked the certificate that it hands over; nothing here verifies one.
"""

import hashlib
import ssl
from typing import Final, NamedTuple

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_LONG_FORM: Final = 0x80
_BEFORE_KEY: Final = ("serial number", "signature", "issuer", "validity", "subject")


class _Part(NamedTuple):
    """One value: its tag, its bytes, its bytes with tag and length, and what follows it."""

    tag: int
    value: bytes
    whole: bytes
    rest: bytes


def public_key_digest(pem: str) -> str:
    """SHA-256 of the certificate's public key, hexadecimal.

    Raises:
        ValueError: This is no certificate.
    """
    try:
        fields = _part(_part(ssl.PEM_cert_to_DER_cert(pem.strip())).value).value
        first = _part(fields)
        if first.tag == _VERSION:
            fields = first.rest
        for _ in _BEFORE_KEY:
            fields = _part(fields).rest
        key = _part(fields)
    except IndexError as exc:
        raise ValueError("a certificate that ends too early") from exc
    if key.tag != _SEQUENCE:
        raise ValueError("not a certificate")
    return hashlib.sha256(key.whole).hexdigest()


def _part(data: bytes) -> _Part:
    size, start = data[1], 2
    if size & _LONG_FORM:
        start += size & ~_LONG_FORM
        size = int.from_bytes(data[2:start], "big")
    end = start + size
    if len(data) < end:
        raise IndexError(size)
    return _Part(data[0], data[start:end], data[:end], data[end:])
