"""What became of a gateway: retired, or in the place of another one. Its history stays in the table under its name.

```
retire OLD          certificates deactivated and detached, groups left, serial number forbidden, row: retired
replace OLD NEW     rows: NEW continues OLD; then OLD is retired
```
Each step may be repeated; the row is written last, so what it says is done.
Not here: what the API makes of the rows (``cloud_functions/core/places.py``).
"""

import zlib
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from operations.errors import OperationError
from operations.fleet.serials import forbid
from operations.stack import Stack, speaking
from operations.table import SHARDS, query

_MOST: Final = 20
"""Gateways in one place, one after the other."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """See ``PlaceRow`` in ``cloud_functions/core/devices.py``."""

    gateway_id: str
    version: int = 0
    retired_ms: int = 0
    replaces: str = ""
    replaced_by: str = ""
    since_ms: int = 0


class Retired(msgspec.Struct, frozen=True, kw_only=True):
    """What was done.

    Attributes:
        gateway_id: The gateway.
        certificates: Deactivated now.
        groups: Left now.
        serial: Forbidden; empty where the thing has none.
    """

    gateway_id: str
    certificates: list[str]
    groups: list[str]
    serial: str


def retire(stack: Stack, gateway_id: str, *, now_ms: int) -> Retired:
    """Takes a gateway out of service; again does what is left to do.

    Raises:
        OperationError: There is no such thing and no such gateway, or a service refused.
    """
    iot = stack.make("iot")
    with speaking(f"retiring {gateway_id}"):
        thing = _thing(iot, gateway_id)
        if thing is None and not _is_known(stack, gateway_id):
            raise OperationError(f"no gateway {gateway_id!r}", remedy="`thresher fleet status` lists those there are")
        certificates = _certificates_off(iot, gateway_id) if thing else []
        groups = _groups_left(iot, gateway_id) if thing else []
    serial = str((thing or {}).get("attributes", {}).get("serial", ""))
    if serial:
        forbid(stack, serial)
    place = place_of(stack, gateway_id)
    _write(stack, msgspec.structs.replace(place, retired_ms=place.retired_ms or now_ms))
    return Retired(gateway_id=gateway_id, certificates=certificates, groups=groups, serial=serial)


def replace(stack: Stack, old: str, new: str, *, now_ms: int) -> Retired:
    """Puts a new gateway in the place of an old one, whose history it continues, and retires the old one.

    Raises:
        OperationError: Either is in another's place already, or nobody knows it, or a service refused.
    """
    if old == new:
        raise OperationError("a gateway cannot replace itself", remedy="give the new one a name of its own")
    iot = stack.make("iot")
    with speaking(f"replacing {old}"):
        if _thing(iot, new) is None:
            raise OperationError(f"no thing {new!r}", remedy="provision the new gateway first")
    before, after = place_of(stack, old), place_of(stack, new)
    if before.replaced_by not in ("", new) or after.replaces not in ("", old):
        said = f"{old} → {before.replaced_by or '?'}, {after.replaces or '?'} → {new}"
        raise OperationError(
            f"one of them is in another's place: {said}", remedy="name the latest gateway of the place"
        )
    if new in _line(stack, old):
        raise OperationError(f"{old!r} continues {new!r}: that would be a circle", remedy="turn the two names round")
    since_ms = after.since_ms or now_ms
    _write(stack, msgspec.structs.replace(after, replaces=old, since_ms=since_ms))
    _write(stack, msgspec.structs.replace(before, replaced_by=new, since_ms=since_ms))
    return retire(stack, old, now_ms=now_ms)


def place_of(stack: Stack, gateway_id: str) -> Place:
    """What is known of a gateway's place. Raises ``OperationError``."""
    with speaking("reading the table"):
        key = _key(gateway_id)
        item = stack.dynamodb.get_item(TableName=stack.outputs.table_name, Key=key, ConsistentRead=True).get("Item")
    if not item:
        return Place(gateway_id=gateway_id)
    return msgspec.convert({n: v["S"] if "S" in v else int(v["N"]) for n, v in item.items()}, Place)


def _line(stack: Stack, gateway_id: str) -> list[str]:
    line = [gateway_id]
    while (older := place_of(stack, line[-1]).replaces) and len(line) < _MOST:
        line.append(older)
    return line


def _is_known(stack: Stack, gateway_id: str) -> bool:
    return next(query(stack, f"F#{_shard(gateway_id)}", f"{gateway_id}#", f"{gateway_id}#~"), None) is not None


def _thing(iot: Any, gateway_id: str) -> dict[str, Any] | None:  # noqa: ANN401 - a boto3 client
    try:
        found: dict[str, Any] = iot.describe_thing(thingName=gateway_id)
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return found


def _certificates_off(iot: Any, gateway_id: str) -> list[str]:  # noqa: ANN401 - a boto3 client
    """Deactivated first: a certificate is of no use from then on, whatever fails later."""
    off = []
    for arn in iot.list_thing_principals(thingName=gateway_id)["principals"]:
        certificate_id = arn.rpartition("/")[2]
        iot.update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
        for policy in iot.list_attached_policies(target=arn)["policies"]:
            iot.detach_policy(policyName=policy["policyName"], target=arn)
        iot.detach_thing_principal(thingName=gateway_id, principal=arn)
        off.append(certificate_id)
    return off


def _groups_left(iot: Any, gateway_id: str) -> list[str]:  # noqa: ANN401 - a boto3 client
    """Static ones; a dynamic group lets go of a thing by its query."""
    left = []
    for group in iot.list_thing_groups_for_thing(thingName=gateway_id)["thingGroups"]:
        described = iot.describe_thing_group(thingGroupName=group["groupName"])
        if not described.get("queryString"):
            iot.remove_thing_from_thing_group(thingGroupName=group["groupName"], thingName=gateway_id)
            left.append(group["groupName"])
    iot.update_thing(thingName=gateway_id, attributePayload={"attributes": {"retired": "yes"}, "merge": True})
    return left


def _write(stack: Stack, place: Place) -> None:
    values = {**msgspec.to_builtins(place), "version": place.version + 1, "kind": "place"}
    item = {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in values.items()}
    with speaking(f"the place of {place.gateway_id}"):
        stack.dynamodb.put_item(
            TableName=stack.outputs.table_name,
            Item={**_key(place.gateway_id), **item},
            ConditionExpression="attribute_not_exists(pk) OR version = :seen",
            ExpressionAttributeValues={":seen": {"N": str(place.version)}},
        )


def _shard(gateway_id: str) -> int:
    return zlib.crc32(gateway_id.encode()) % SHARDS


def _key(gateway_id: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"F#{_shard(gateway_id)}"}, "sk": {"S": f"{gateway_id}#place"}}
