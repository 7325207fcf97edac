"""The dead-letter queue: after an outage its messages go back to the events queue.

Received, sent, deleted, in this order: a message is never in no queue, and one that is in both does no harm,
because ingest stores a block once. Left where they are: notes of the alert function about alerts that could not
be told. They name places in a stream, not alerts; the page shows such an alert as not yet notified.
"""

from typing import Any, Final

import msgspec

from operations.stack import Stack, speaking

_BATCH: Final = 10
"""Messages a receive gives at most (Amazon SQS API)."""
_VISIBILITY_S: Final = 60
_STREAM_NOTE: Final = "DDBStreamBatchInfo"


class Redriven(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages went back, and how many notes of the alert function were left."""

    moved: int
    left: int


def redrive(stack: Stack, *, limit: int) -> Redriven:
    """Moves at most so many messages. Raises ``OperationError``; what was moved then stays moved."""
    moved = 0
    left: set[str] = set()
    with speaking("redriving the dead-letter queue"):
        while moved < limit and (messages := _receive(stack, min(_BATCH, limit - moved))):
            if all(message["MessageId"] in left for message in messages):
                break
            for message in messages:
                if _STREAM_NOTE in message["Body"]:
                    left.add(message["MessageId"])
                else:
                    _move(stack, message)
                    moved += 1
    return Redriven(moved=moved, left=len(left))


def _receive(stack: Stack, number: int) -> list[dict[str, Any]]:
    answer = stack.sqs.receive_message(
        QueueUrl=stack.outputs.dead_letter_queue_url,
        MaxNumberOfMessages=number,
        VisibilityTimeout=_VISIBILITY_S,
        WaitTimeSeconds=1,
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def _move(stack: Stack, message: dict[str, Any]) -> None:
    stack.sqs.send_message(QueueUrl=stack.outputs.events_queue_url, MessageBody=message["Body"])
    stack.sqs.delete_message(QueueUrl=stack.outputs.dead_letter_queue_url, ReceiptHandle=message["ReceiptHandle"])
