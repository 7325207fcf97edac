"""Reads what the reckoning compares: ledgers on disk, blocks and quarantine in the table."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from contract.envelope import Declared
from contract.events import Lane
from device_agent.ledger import Entry
from twin.aws import Clients
from twin.reckoning import Block


def read_ledger(path: Path) -> list[Entry]:
    """A gateway's ledger; a line that a kill cut short is no entry. Empty where nothing was accepted."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [msgspec.json.decode(line, type=Entry) for line in lines[:-1]]


def read_blocks(clients: Clients, table: str) -> list[Block]:
    """Every block item in the table; a refused message whose sequences could be read is a block that holds none."""
    refused = (item for item in _items(clients, table, "quarantine") if "first_seq" in item)
    return [*(_block(item) for item in _items(clients, table, "block")), *map(_refused, refused)]


def count_quarantined(clients: Clients, table: str) -> int:
    """How many messages or events lie in quarantine."""
    return sum(1 for _ in _items(clients, table, "quarantine"))


def _items(clients: Clients, table: str, kind: str) -> Iterator[dict[str, dict[str, str]]]:
    pages = clients.make("dynamodb").get_paginator("scan")
    for page in pages.paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="kind = :kind",
        ExpressionAttributeValues={":kind": {"S": kind}},
    ):
        yield from page["Items"]


class _Item(msgspec.Struct, frozen=True):
    """A block item as the table holds it; see ``cloud_functions/core/rows.py``."""

    gateway_id: str
    spool_id: str
    lane: Lane
    first_seq: int
    stored_ms: int
    body: str
    declared: str = "[]"


class _Refused(msgspec.Struct, frozen=True):
    """A quarantine item whose sequences could be read."""

    gateway_id: str
    spool_id: str
    lane: Lane
    first_seq: int
    count: int
    stored_ms: int


def _refused(attributes: dict[str, dict[str, str]]) -> Block:
    item = msgspec.convert(_plain(attributes), _Refused)
    return Block(
        gateway_id=item.gateway_id,
        spool_id=item.spool_id,
        lane=item.lane,
        first_seq=item.first_seq,
        held=[False] * item.count,
        stored_ms=item.stored_ms,
    )


def _block(attributes: dict[str, dict[str, str]]) -> Block:
    item = msgspec.convert(_plain(attributes), _Item)
    events = msgspec.json.decode(item.body, type=list[msgspec.Raw])
    return Block(
        gateway_id=item.gateway_id,
        spool_id=item.spool_id,
        lane=item.lane,
        first_seq=item.first_seq,
        held=[bytes(event) != b"null" for event in events],
        stored_ms=item.stored_ms,
        declared=msgspec.json.decode(item.declared, type=list[Declared]),
    )


def _plain(attributes: dict[str, dict[str, str]]) -> dict[str, object]:
    return {name: int(value["N"]) if "N" in value else value.get("S") for name, value in attributes.items()}
