"""Rows of a stack's table, as plain values.

Not here: what they mean; their keys are in ``cloud_functions/core/keys.py``.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from operations.stack import Stack, speaking

SHARDS: Final = 4
"""Partitions that gateways are spread over: ``F#0`` to ``F#3`` name them, ``Q#0`` to ``Q#3`` hold quarantine."""


def query(stack: Stack, pk: str, first: str = " ", last: str = "~") -> Iterator[dict[str, Any]]:
    """Rows of one partition, in order. Raises ``OperationError``."""
    with speaking("reading the table"):
        pages = stack.dynamodb.get_paginator("query").paginate(
            TableName=stack.outputs.table_name,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": {"S": pk}, ":first": {"S": first}, ":last": {"S": last}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from ({name: _plain(value) for name, value in item.items()} for item in page["Items"])


def _plain(value: dict[str, str]) -> str | float:
    return value["S"] if "S" in value else json.loads(value["N"])
