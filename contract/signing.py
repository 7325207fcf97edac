"""Who may sign what: signatures, keys, and the root document that names the keys of a fleet.

A root document names, for each role, its keys and how many of them must sign. Root N + 1 is signed by the root keys of
N *and* by its own, so that a gateway follows a chain from the root it was installed with. A key that the newest root
does not name signs nothing any more: that is revocation. Model: The Update Framework, specification 1.0, root role.

What is signed are exact bytes, behind a prefix that says what they are; nothing is ever brought into a canonical form.
Not here: verifying (``device_agent.fleet.trust``), signing (``operations.fleet``).
"""

import datetime as dt
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

ROOT_BYTES: Final = 64 * 1024
"""No root document is longer."""

SIGNATURES_BYTES: Final = 16 * 1024
"""No list of signatures is longer."""

ROOT_CONTEXT: Final = b"thresher root 1\0"
"""Stands before a root's bytes when they are signed, so that no signature of one thing is one of another."""

MANIFEST_CONTEXT: Final = b"thresher manifest 1\0"
"""Stands before a manifest's bytes when they are signed."""

KeyId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""SHA-256 of the 32 bytes of an Ed25519 public key (RFC 8032), hexadecimal."""

Time = Annotated[dt.datetime, Meta(tz=True)]
"""RFC 3339 with its zone, e.g. ``2026-11-24T12:00:00Z``."""

Most = Annotated[int, Meta(ge=1, le=16)]


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One signature.

    Attributes:
        key_id: Of the key that made it.
        signature: 64 bytes, in base64.
    """

    key_id: KeyId
    signature: Annotated[str, Meta(pattern=r"^[0-9A-Za-z+/]{86}==\Z")]


class Signatures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``signatures.json``: those of the manifest beside it."""

    signatures: Annotated[list[Signature], Meta(max_length=32)] = []


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The public half of a key.

    Attributes:
        ed25519: Its 32 bytes, hexadecimal.
        note: Whose it is, for people.
    """

    ed25519: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    note: Annotated[str, Meta(max_length=128)] = ""


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys speak for a role.

    Attributes:
        keys: Their ids, each once.
        threshold: So many of them must sign.
    """

    keys: Annotated[list[KeyId], Meta(min_length=1, max_length=16)]
    threshold: Most = 1


class Roles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every role: ``root`` signs roots, each other one manifests of its kind and of no other."""

    root: Role
    application: Role
    model: Role
    configuration: Role


class Root(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One root document.

    Attributes:
        format: Of this document.
        version: Counts up by one.
        created: When it was made; a gateway without a clock knows that it is not earlier.
        expires: From then on only a newer root is trusted.
        keys: By id; those that ``roles`` names, and no others.
        roles: See ``Roles``.
    """

    format: Literal[1] = 1
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    created: Time
    expires: Time
    keys: Annotated[dict[KeyId, PublicKey], Meta(max_length=64)]
    roles: Roles


class SignedRoot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A root document with its signatures, as ``roots/N.json`` holds it.

    Attributes:
        signed: The ``Root``; signed are its bytes exactly as they stand in the file.
        signatures: By root keys.
    """

    signed: msgspec.Raw
    signatures: Annotated[list[Signature], Meta(max_length=32)] = []


def key_id(public: bytes) -> str:
    """The id of a public key.

    Args:
        public: Its 32 bytes.
    """
    import hashlib  # noqa: PLC0415 - OpenSSL is 3.5 MiB, and a supervisor only reads manifests

    return hashlib.sha256(public).hexdigest()


def root_fault(root: Root) -> str:
    """What makes no sense in a root, empty if all does.

    Each key stands under its own id, each role has known keys that are enough, and a root key signs roots only, so that
    it can stay in its safe.
    """
    if root.expires <= root.created:
        return "it ends before it begins"
    named: set[str] = set()
    for name in root.roles.__struct_fields__:
        role: Role = getattr(root.roles, name)
        if len(set(role.keys)) < len(role.keys):
            return f"role {name} names a key twice"
        if len(role.keys) < role.threshold:
            return f"role {name} has fewer keys than must sign"
        if name != "root" and set(role.keys) & set(root.roles.root.keys):
            return f"a root key also signs for role {name}"
        named.update(role.keys)
    if named != set(root.keys):
        return "its keys are not those that its roles name"
    stray = [name for name, key in root.keys.items() if key_id(bytes.fromhex(key.ed25519)) != name]
    return f"key {stray[0][:12]} is not the key of that id" if stray else ""
