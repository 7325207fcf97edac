"""Signatures on root documents and manifests, also made apart: the document goes to the key, the signature comes back.

A signature is over exact bytes behind a prefix that says what they are (``contract.signing``). A key that signs again
replaces its signature.
"""

import base64
from collections.abc import Sequence
from pathlib import Path

import msgspec

from contract.signing import MANIFEST_CONTEXT, ROOT_CONTEXT, Signature, Signatures, SignedRoot
from operations.errors import OperationError
from operations.fleet.keys import Signer, id_of


def sign_root(root: SignedRoot, signer: Signer) -> Signature:
    """A root key's signature."""
    return _signature(ROOT_CONTEXT + bytes(root.signed), signer)


def sign_manifest(manifest: bytes, signer: Signer) -> Signature:
    """A signing key's signature.

    Args:
        manifest: The exact bytes of ``manifest.json``.
        signer: The key.
    """
    return _signature(MANIFEST_CONTEXT + manifest, signer)


def added(signatures: Sequence[Signature], new: Sequence[Signature]) -> list[Signature]:
    """Signatures with others beside them; a key that has signed before has signed anew."""
    fresh = {one.key_id for one in new}
    return [*(one for one in signatures if one.key_id not in fresh), *new]


def write_root(path: Path, root: SignedRoot, signatures: Sequence[Signature]) -> None:
    """Writes a root document; the bytes that are signed stay as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(SignedRoot(signed=root.signed, signatures=list(signatures))) + b"\n")


def read_signatures(path: Path) -> list[Signature]:
    """Signatures that were made apart.

    Raises:
        OperationError: The file holds none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Signatures).signatures
    except OSError as exc:
        raise OperationError(f"{path}: {exc.strerror}", remedy="thresher fleet sign --detached writes it") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise OperationError(f"{path}: {exc}", remedy="thresher fleet sign --detached writes it") from exc


def write_signatures(path: Path, signatures: Sequence[Signature]) -> None:
    """Writes signatures that were made apart from what they are on."""
    path.write_bytes(msgspec.json.encode(Signatures(signatures=list(signatures))) + b"\n")


def _signature(data: bytes, signer: Signer) -> Signature:
    made = base64.b64encode(signer.sign(data)).decode("ascii")
    return Signature(key_id=id_of(signer.public), signature=made)
