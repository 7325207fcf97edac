"""Which devices may come: an operator's list of serial numbers, which the provisioning hook obeys.

Not here: the hook's rule (``cloud_functions/core/enrolment.py``).
"""

from typing import Any

import msgspec

from contract.envelope import check_gateway_id
from contract.errors import ContractError
from operations.errors import OperationError
from operations.stack import Stack, speaking


class Serial(msgspec.Struct, frozen=True, kw_only=True):
    """One device; see ``SerialRow`` in ``cloud_functions/core/devices.py``.

    Attributes:
        serial: Its serial number.
        gateway_id: What it is called.
        site: Where it stands.
        allowed: 1 while it may come.
        policy: Its IoT policy; empty for the one of all gateways.
        key_digest: The public key it came with; empty while it has not come.
        version: Rises by one with every write.
    """

    serial: str
    gateway_id: str
    site: str = ""
    allowed: int = 1
    policy: str = ""
    key_digest: str = ""
    version: int = 1


def allow(stack: Stack, serial: str, *, gateway_id: str, site: str = "", policy: str = "") -> Serial:
    """Lets a device come under a name, once; also one that came before, with whatever key it has then.

    Raises:
        OperationError: The name is none, or the table cannot be written.
    """
    try:
        check_gateway_id(gateway_id)
    except ContractError as exc:
        raise OperationError(f"{gateway_id!r}: {exc}", remedy="use letters, digits, `-` and `_`") from exc
    return _write(
        stack, serial, {"gateway_id": gateway_id, "site": site, "policy": policy, "key_digest": ""}, allowed=1
    )


def forbid(stack: Stack, serial: str) -> Serial:
    """Lets a device not come any more; one that has its certificate keeps it (see ``retire``). Raises as ``allow``."""
    return _write(stack, serial, {}, allowed=0)


def serial_of(stack: Stack, serial: str) -> Serial | None:
    """What is known of a device. Raises ``OperationError``."""
    with speaking("reading the table"):
        answer = stack.dynamodb.get_item(TableName=stack.outputs.table_name, Key=_key(serial), ConsistentRead=True)
    return _plain(answer["Item"]) if answer.get("Item") else None


def _write(stack: Stack, serial: str, fields: dict[str, str], *, allowed: int) -> Serial:
    values: dict[str, dict[str, str]] = {
        ":kind": {"S": "serial"},
        ":serial": {"S": serial},
        ":allowed": {"N": str(allowed)},
        ":none": {"N": "0"},
        ":one": {"N": "1"},
        **{f":{name}": {"S": value} for name, value in fields.items()},
    }
    sets = ["kind = :kind", "serial = :serial", "allowed = :allowed", "version = if_not_exists(version, :none) + :one"]
    if not fields:
        sets.append("gateway_id = if_not_exists(gateway_id, :serial)")
    sets += [f"{name} = :{name}" for name in fields]
    with speaking(f"serial {serial}"):
        answer = stack.dynamodb.update_item(
            TableName=stack.outputs.table_name,
            Key=_key(serial),
            UpdateExpression="SET " + ", ".join(sets),
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
        )
    return _plain(answer["Attributes"])


def _key(serial: str) -> dict[str, Any]:
    return {"pk": {"S": f"S#{serial}"}, "sk": {"S": "serial"}}


def _plain(item: dict[str, Any]) -> Serial:
    values = {name: value["S"] if "S" in value else int(value["N"]) for name, value in item.items()}
    return msgspec.convert(values, Serial)
