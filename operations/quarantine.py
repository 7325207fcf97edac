"""Quarantine: what the cloud did not understand, listed, and sent through ingest once more after a fix.

A row is sent again exactly as it came, with the sender that the broker named, so ingest judges it as on the
first day. That is harmless to repeat: what is understood now is stored under its own key, what is not lands on
the row it came from. The row stays, marked with when it was sent.
"""

import base64
from collections.abc import Iterable, Iterator

import msgspec

from contract.codec import encode_envelope
from contract.envelope import Envelope
from contract.events import LANES
from operations.stack import Stack, speaking
from operations.table import SHARDS, query


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of quarantine; see ``cloud_functions/core/rows.py``. ``data`` is base64."""

    pk: str
    sk: str
    gateway_id: str
    reason: str
    data: str
    stored_ms: int
    broker_ms: int = 0
    client_id: str = ""
    lane: str = ""
    spool_id: str = ""
    boot_id: str = ""
    first_seq: int = 0
    count: int = 0
    retried_ms: int = 0
    is_cut: int = 0


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A row that cannot be sent again, and why."""

    sk: str
    reason: str


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows were sent again; the others."""

    sent: int
    skipped: list[Skipped]


def kept(stack: Stack, *, gateway_id: str = "") -> Iterator[Kept]:
    """Every row, or those of one gateway. Raises ``OperationError``."""
    first, last = (f"{gateway_id}#", f"{gateway_id}#~") if gateway_id else (" ", "~")
    for shard in range(SHARDS):
        for row in query(stack, f"Q#{shard}", first, last):
            yield msgspec.convert(row, Kept)


def retry(stack: Stack, rows: Iterable[Kept], *, now_ms: int, again: bool = False) -> Retried:
    """Sends rows through ingest; those sent before only if ``again``. Raises ``OperationError``."""
    sent, skipped = 0, []
    for row in rows:
        if why := _obstacle(row, again=again):
            skipped.append(Skipped(sk=row.sk, reason=why))
            continue
        with speaking(f"sending {row.sk} again"):
            stack.sqs.send_message(QueueUrl=stack.outputs.events_queue_url, MessageBody=message(row))
            _mark(stack, row, now_ms)
        sent += 1
    return Retried(sent=sent, skipped=skipped)


def message(row: Kept) -> str:
    """What the IoT rule would have put on the queue."""
    data = base64.b64encode(encode_envelope(_envelope(row))).decode() if row.boot_id else row.data
    body = {
        "gateway_id": row.gateway_id,
        "lane": row.lane,
        "broker_ms": row.broker_ms,
        "client_id": row.gateway_id if row.boot_id else row.client_id,
        "data": data,
    }
    return msgspec.json.encode(body).decode()


def _envelope(row: Kept) -> Envelope:
    """A single event's own envelope."""
    return Envelope(
        gateway_id=row.gateway_id,
        spool_id=row.spool_id,
        boot_id=row.boot_id,
        lane=next(lane for lane in LANES if lane == row.lane),
        first_seq=row.first_seq,
        events=[msgspec.Raw(base64.b64decode(row.data))],
    )


def _obstacle(row: Kept, *, again: bool) -> str:
    if not row.lane:
        return "it did not come by the events rule"
    if row.is_cut:
        return "its bytes were too many to be kept whole"
    if row.boot_id and not _is_json(row.data):
        return "the event is no JSON"
    if row.retried_ms and not again:
        return "it was sent before; use --again"
    return ""


def _is_json(data: str) -> bool:
    try:
        msgspec.json.decode(base64.b64decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _mark(stack: Stack, row: Kept, now_ms: int) -> None:
    stack.dynamodb.update_item(
        TableName=stack.outputs.table_name,
        Key={"pk": {"S": row.pk}, "sk": {"S": row.sk}},
        UpdateExpression="SET retried_ms = :now",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":now": {"N": str(now_ms)}},
    )
