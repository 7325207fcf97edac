"""The chain of roots: from the one that is trusted to the newest that follows from it.

A root follows another if its version is the next one, and it is signed by enough root keys of the other *and* of its
own. Roots that are older than the trusted one are passed over unread; a root in between may be expired, the last may
not (judged in ``rules``). Source: The Update Framework 1.0, 5.3.
"""

from typing import NamedTuple

from contract.signing import ROOT_BYTES, ROOT_CONTEXT, Root, SignedRoot, root_fault
from device_agent.fleet.trust.documents import read
from device_agent.fleet.trust.ed25519 import Checker
from device_agent.fleet.trust.errors import UntrustedError
from device_agent.fleet.trust.signatures import signers, valid_keys


class TrustedRoot(NamedTuple):
    """A root and the document it stands in.

    Attributes:
        root: What it says.
        document: The bytes of ``roots/N.json``.
    """

    root: Root
    document: bytes


def kept_root(document: bytes) -> TrustedRoot:
    """A root that was followed before and kept.

    Raises:
        UntrustedError: It is not whole.
    """
    return TrustedRoot(_parsed(document)[1], document)


def first_root(document: bytes, check: Checker) -> TrustedRoot:
    """The root to begin with: trusted because it is there, but whole, and signed by its own keys.

    Raises:
        UntrustedError: It is neither.
    """
    signed, root = _parsed(document)
    _require_signed(root, by=root, signed=signed, check=check)
    return TrustedRoot(root, document)


def advance(trusted: TrustedRoot, document: bytes, check: Checker) -> TrustedRoot:
    """The next root.

    Raises:
        UntrustedError: It does not follow.
    """
    signed, root = _parsed(document)
    if root.version != trusted.root.version + 1:
        raise UntrustedError(
            "root",
            f"root {root.version} does not follow root {trusted.root.version}",
            remedy="put every root since the gateway's into the bundle: thresher fleet bundle --roots",
        )
    _require_signed(trusted.root, by=root, signed=signed, check=check)
    _require_signed(root, by=root, signed=signed, check=check)
    return TrustedRoot(root, document)


def _parsed(document: bytes) -> tuple[SignedRoot, Root]:
    signed = read(document, SignedRoot, what="root", most=ROOT_BYTES)
    root = read(bytes(signed.signed), Root, what="root", most=ROOT_BYTES)
    if fault := root_fault(root):
        raise UntrustedError("root", f"root {root.version}: {fault}")
    return signed, root


def _require_signed(judge: Root, *, by: Root, signed: SignedRoot, check: Checker) -> None:
    valid = valid_keys(ROOT_CONTEXT + bytes(signed.signed), signed.signatures, judge, check)
    if not signers(judge.roles.root, valid):
        wanted = judge.roles.root.threshold
        raise UntrustedError(
            "root",
            f"root {by.version} is signed by {len(valid & set(judge.roles.root.keys))} of the {wanted} root keys that "
            f"root {judge.version} asks for",
        )
