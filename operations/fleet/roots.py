"""Root documents: the first, and those that follow it when keys come, go or are lost.

A document is made without signatures; each holder of a root key adds one (``signing``), on whatever machine the key
is. Nothing here needs a private key.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from contract.signing import ROOT_BYTES, PublicKey, Role, Roles, Root, SignedRoot, root_fault
from operations.errors import OperationError
from operations.fleet.keys import id_of

ROLES = Roles.__struct_fields__
"""Names of all roles."""

Keys = Mapping[str, Sequence[PublicKey]]
"""Public keys, by role."""


class Change(NamedTuple):
    """What is different in the next root.

    Attributes:
        add: Keys that come.
        revoke: Ids, or their beginnings, of keys that no role has any more.
        thresholds: How many must sign, by role, where that changes.
    """

    add: Keys
    revoke: Sequence[str]
    thresholds: Mapping[str, int]


def first_root(keys: Keys, thresholds: Mapping[str, int], *, created: dt.datetime, days: int) -> SignedRoot:
    """Root 1.

    Args:
        keys: Of every role.
        thresholds: How many must sign, by role; 1 where it is not said.
        created: Now.
        days: It is good for so many.

    Raises:
        OperationError: A role has no key, or something makes no sense.
    """
    if missing := [name for name in ROLES if not keys.get(name)]:
        raise OperationError(f"role {missing[0]} has no key", remedy=f"give --{missing[0]} with a key's .pub file")
    roles = {name: Role(keys=[id_of(one) for one in keys[name]], threshold=thresholds.get(name, 1)) for name in ROLES}
    return _unsigned(
        Root(
            version=1,
            created=created,
            expires=created + dt.timedelta(days=days),
            keys=_by_id(keys),
            roles=Roles(**roles),
        )
    )


def next_root(before: Root, change: Change, *, created: dt.datetime, days: int) -> SignedRoot:
    """The root after another.

    Args:
        before: The newest there is.
        change: What is different.
        created: Now.
        days: It is good for so many.

    Raises:
        OperationError: A key is not known, or something makes no sense.
    """
    gone = {_known(before, one) for one in change.revoke}
    roles = {}
    for name in ROLES:
        role: Role = getattr(before.roles, name)
        kept = [one for one in [*role.keys, *(id_of(key) for key in change.add.get(name, []))] if one not in gone]
        roles[name] = Role(keys=list(dict.fromkeys(kept)), threshold=change.thresholds.get(name, role.threshold))
    named = {one for role in roles.values() for one in role.keys}
    keys = {one: key for one, key in {**before.keys, **_by_id(change.add)}.items() if one in named}
    return _unsigned(
        Root(
            version=before.version + 1,
            created=created,
            expires=created + dt.timedelta(days=days),
            keys=keys,
            roles=Roles(**roles),
        )
    )


def read_root(path: Path) -> tuple[SignedRoot, Root]:
    """A root document from its file; its signatures are not judged.

    Raises:
        OperationError: It is none.
    """
    try:
        signed = msgspec.json.decode(path.read_bytes(), type=SignedRoot)
        return signed, msgspec.json.decode(signed.signed, type=Root)
    except OSError as exc:
        raise OperationError(f"{path}: {exc.strerror}", remedy="give a root document, e.g. roots/1.json") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise OperationError(f"{path}: {exc}", remedy="give a root document, e.g. roots/1.json") from exc


def read_roots(folder: Path) -> list[tuple[int, bytes]]:
    """Version and bytes of every root in a folder, ascending, as a bundle carries them.

    Raises:
        OperationError: There is none, or one in between is missing.
    """
    found = sorted((int(path.stem), path.read_bytes()) for path in folder.glob("*.json") if path.stem.isdecimal())
    if not found:
        raise OperationError(f"{folder}: no root documents", remedy="thresher fleet keys root makes the first")
    wanted = found[0][0]
    for version, document in found:
        if version != wanted:
            raise OperationError(f"{folder}: {wanted}.json is missing", remedy="gateways need each in between")
        if len(document) > ROOT_BYTES:
            raise OperationError(
                f"{folder}/{version}.json has more than {ROOT_BYTES} bytes", remedy="shorten its notes"
            )
        wanted += 1
    return found


def _by_id(keys: Keys) -> dict[str, PublicKey]:
    return {id_of(one): one for some in keys.values() for one in some}


def _known(root: Root, beginning: str) -> str:
    found = [one for one in root.keys if one.startswith(beginning)]
    if len(found) != 1:
        known = ", ".join(one[:12] for one in root.keys)
        raise OperationError(
            f"{beginning}: {len(found)} keys of root {root.version} begin so", remedy=f"one of {known}"
        )
    return found[0]


def _unsigned(root: Root) -> SignedRoot:
    try:
        body = msgspec.json.encode(root)
        fault = root_fault(msgspec.json.decode(body, type=Root))
    except msgspec.ValidationError as exc:
        fault = str(exc)
    if fault:
        raise OperationError(f"root {root.version}: {fault}", remedy="see docs/trust.md for what a root must have")
    return SignedRoot(signed=msgspec.Raw(msgspec.json.format(body, indent=2)))
