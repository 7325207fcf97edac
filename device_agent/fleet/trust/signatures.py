"""Whether enough keys of a role signed some bytes (Ed25519, RFC 8032).

A key counts once, however often it signed. Signatures by keys that the role does not have count for nothing, and do no
harm: a document may be signed for two roots. ``cryptography`` is loaded when the first signature is looked at.
"""

import base64
import binascii
from collections.abc import Iterable

from contract.signing import Role, Root, Signature


def valid_keys(data: bytes, signatures: Iterable[Signature], root: Root, *, context: bytes) -> frozenset[str]:
    """The keys of a root that signed some bytes, by their ids.

    Args:
        data: The bytes as they are.
        signatures: What is said to be theirs.
        root: Whose keys count.
        context: What was put before the bytes when they were signed.
    """
    return frozenset(
        each.key_id
        for each in signatures
        if each.key_id in root.keys and _is_valid(root.keys[each.key_id].ed25519, each.signature, context + data)
    )


def signers(role: Role, valid: frozenset[str]) -> frozenset[str]:
    """Which of a role's keys signed; empty if they are fewer than it takes."""
    found = valid & frozenset(role.keys)
    return found if len(found) >= role.threshold else frozenset()


def _is_valid(public: str, signature: str, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - costs memory that only a check is worth
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - same

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(base64.b64decode(signature, validate=True), data)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
