"""The gateway's key: made here, never sent. What leaves is a request for a certificate, signed with it.

P-256: the smallest key that AWS IoT Core, every token and the TLS library take. ``cryptography`` is loaded when a
request is made, a few times in a gateway's life. Not here: a key in a token (``tokens``).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from device_agent.errors import ConfigError
from device_agent.files import SECRET, atomic_write
from device_agent.fleet.identity.store import KEY

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


class Keys(Protocol):
    """Makes the key of an identity, once, and requests for certificates of it."""

    def request(self, folder: Path, subject: str) -> str:
        """A certificate request (PKCS#10, PEM) of the identity's key, which is made first if there is none.

        Args:
            folder: Of the identity.
            subject: The common name in it; AWS IoT does not look at it.

        Raises:
            ConfigError: The key cannot be made or used; says what to try.
        """


class FileKeys:
    """Keys in files that only their owner may read, durable before the first request leaves."""

    def request(self, folder: Path, subject: str) -> str:
        """See ``Keys``."""
        path = folder / KEY
        if not path.exists():
            atomic_write(path, _new_key(), mode=SECRET)
        return signed_request(_read(path), subject)


def signed_request(key: "EllipticCurvePrivateKey", subject: str) -> str:
    """A certificate request, signed by a key in memory or in a token."""
    from cryptography import x509  # noqa: PLC0415 - megabytes, needed twice in years
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - same

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject[:64])])
    built = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return built.public_bytes(serialization.Encoding.PEM).decode()


def _new_key() -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - see above

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read(path: Path) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - see above

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigError(f"{path}: {exc}", remedy="remove it: a new key is made") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path}: no P-256 key", remedy="remove it: a new key is made")
    return key
