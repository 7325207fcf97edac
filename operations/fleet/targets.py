"""Whom a rollout is for: things by name or by group, and which of them are heard of."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from operations.errors import OperationError
from operations.stack import Stack, speaking
from operations.table import SHARDS, query

GROUP: Final = "group/"
_ONLINE_MS: Final = 15 * 60_000


class Member(NamedTuple):
    """One gateway of a target; ``online`` is whether it was heard of within a quarter of an hour."""

    name: str
    arn: str
    online: bool


class Target(NamedTuple):
    """What an operator named: ``arns`` as IoT Jobs takes them, and whom they hold now, by name."""

    named: list[str]
    arns: list[str]
    members: list[Member]


def resolve(stack: Stack, named: Sequence[str], *, now_ms: int) -> Target:
    """Looks names up: ``press-3`` is a thing, ``group/north`` everybody of a group and its groups.

    Raises:
        OperationError: One is unknown, or nobody is in it.
    """
    iot = stack.make("iot")
    arns: list[str] = []
    things: dict[str, str] = {}
    with speaking("looking up the target"):
        for name in named:
            if name.startswith(GROUP):
                group = name.removeprefix(GROUP)
                arns.append(iot.describe_thing_group(thingGroupName=group)["thingGroupArn"])
                things |= dict.fromkeys(_in_group(iot, group), "")
            else:
                arn = iot.describe_thing(thingName=name)["thingArn"]
                arns.append(arn)
                things[name] = arn
    if not things:
        raise OperationError(f"{', '.join(named)}: nobody is in it", remedy="aws iot list-things-in-thing-group")
    prefix = arns[0].rsplit(":", 1)[0]
    heard = _heard_of(stack, since_ms=now_ms - _ONLINE_MS)
    members = [Member(name, arn or f"{prefix}:thing/{name}", name in heard) for name, arn in sorted(things.items())]
    return Target(list(named), arns, members)


def _in_group(iot: object, group: str) -> Iterator[str]:
    pages = iot.get_paginator("list_things_in_thing_group")  # type: ignore[attr-defined]
    for page in pages.paginate(thingGroupName=group, recursive=True):
        yield from page["things"]


def _heard_of(stack: Stack, *, since_ms: int) -> set[str]:
    rows = [row for shard in range(SHARDS) for row in query(stack, f"F#{shard}")]
    return {row["gateway_id"] for row in rows if max(row.get("last_seen_ms", 0), row.get("broker_ms", 0)) >= since_ms}
