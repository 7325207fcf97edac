"""A private key as ``cryptography`` knows one, whose signatures somebody else makes.

Loaded when a request is made only: it loads megabytes. Not here: the token (``tokens``).
"""

from collections.abc import Callable
from typing import Any, NoReturn, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from device_agent.errors import ConfigError

_STAYS = "the key stays in its token"


class TokenKey(ec.EllipticCurvePrivateKey):
    """A P-256 key that signs and does nothing else.

    Args:
        public: SubjectPublicKeyInfo, DER.
        sign: Makes the signature of a SHA-256 digest, DER.

    Raises:
        ConfigError: The token's key is of another kind.
    """

    def __init__(self, public: bytes, sign: Callable[[bytes], bytes]) -> None:
        half = load_der_public_key(public)
        if not isinstance(half, ec.EllipticCurvePublicKey) or not isinstance(half.curve, ec.SECP256R1):
            raise ConfigError("`$.uplink.pkcs11.key`: no P-256 key", remedy="name another label: a new key is made")
        self._half = half
        self._sign = sign

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256."""
        return self._half.curve

    @property
    def key_size(self) -> int:
        """256 bits."""
        return self._half.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The half that is known."""
        return self._half

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:  # noqa: ANN401 - a buffer
        """ECDSA with SHA-256, whatever else is asked for."""
        del signature_algorithm
        digest = hashes.Hash(hashes.SHA256())
        digest.update(data)
        return self._sign(digest.finalize())

    def exchange(self, *_: object) -> NoReturn:
        """Never."""
        raise NotImplementedError(_STAYS)

    def private_numbers(self) -> NoReturn:
        """Never."""
        raise NotImplementedError(_STAYS)

    def private_bytes(self, *_: object) -> NoReturn:
        """Never."""
        raise NotImplementedError(_STAYS)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self
