"""Ed25519 keys as files: the private half encrypted (PKCS #8, PEM), the public half as JSON beside it.

Whoever signs by a key that is not a file (a token, a key service) implements ``Signer``; none such is here.
"""

import os
from pathlib import Path
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.signing import PublicKey, key_id
from operations.errors import OperationError

SHORTEST_PASSPHRASE: Final = 16
"""Characters. PKCS #8 stretches a passphrase by 2048 rounds of PBKDF2 only, so it must be long by itself."""


class Signer(Protocol):
    """One private key, wherever it is."""

    @property
    def public(self) -> PublicKey:
        """Its public half."""

    def sign(self, data: bytes) -> bytes:
        """The signature (64 bytes) of exactly these bytes.

        Raises:
            OperationError: The key refused.
        """


class FileSigner:
    """A key from an encrypted file, in memory while it lives."""

    def __init__(self, key: Ed25519PrivateKey, note: str = "") -> None:
        self._key = key
        self.public: Final = _public(key, note)

    def sign(self, data: bytes) -> bytes:
        """See ``Signer``."""
        return self._key.sign(data)


def make_key(path: Path, passphrase: bytes, *, note: str = "") -> PublicKey:
    """A new key: the private half in ``path``, readable by its owner only, the public one beside it as ``.pub``.

    Raises:
        OperationError: There is a file already, or the passphrase is too short.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise OperationError(
            f"the passphrase has {len(passphrase)} characters, it must have {SHORTEST_PASSPHRASE}",
            remedy="use six random words",
        )
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    public = _public(key, note)
    _write_new(path, pem, mode=0o600)
    _write_new(public_path(path), msgspec.json.encode(public) + b"\n", mode=0o644)
    return public


def public_path(path: Path) -> Path:
    """Where the public half of a key lies."""
    return path.with_suffix(".pub")


def open_key(path: Path, passphrase: bytes) -> FileSigner:
    """A key that is ready to sign.

    Raises:
        OperationError: It cannot be read, it is no Ed25519 key, or the passphrase is wrong.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except OSError as exc:
        raise OperationError(f"{path}: {exc.strerror}", remedy="thresher fleet keys new makes one") from exc
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise OperationError(f"{path}: no key that this passphrase opens", remedy="try the passphrase again") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise OperationError(f"{path}: no Ed25519 key", remedy="thresher fleet keys new makes one")
    return FileSigner(key)


def id_of(public: PublicKey) -> str:
    """The id of a key."""
    return key_id(bytes.fromhex(public.ed25519))


def read_public(path: Path) -> PublicKey:
    """The public half of a key.

    Raises:
        OperationError: It is no such file.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=PublicKey)
    except OSError as exc:
        raise OperationError(f"{path}: {exc.strerror}", remedy="give the .pub file of a key") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise OperationError(f"{path}: {exc}", remedy="give the .pub file of a key") from exc


def _public(key: Ed25519PrivateKey, note: str) -> PublicKey:
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return PublicKey(ed25519=raw.hex(), note=note)


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as exc:
        raise OperationError(
            f"{path} is there already", remedy="no key is ever overwritten; take another name"
        ) from exc
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
