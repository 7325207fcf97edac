"""A mailbox for alerts: what a person subscribed to the alert topic would get.

Not here: when an alert is raised (``cloud_functions``).
"""

import json
import threading
import time
from typing import Any, Final

import botocore.exceptions
import msgspec

from twin.aws import Clients
from twin.errors import TwinError

_POLL_S: Final = 1


class Alert(msgspec.Struct, frozen=True):
    """One notification, as a subscriber of the alert topic gets it."""

    alert_id: str
    gateway_id: str
    sensor: str
    top_channel: str
    episode_id: str = ""
    severity: str = ""
    reason: str = ""
    peak_score: float = 0.0
    opened_ms: int = 0


class Inbox:
    """Subscribes a queue to the alert topic, as a person's mailbox would be, and collects what arrives.

    Args:
        clients: Of the local cloud.
        topic_arn: The alert topic.
    """

    def __init__(self, clients: Clients, topic_arn: str) -> None:
        self._sqs = clients.make("sqs")
        self._queue = _subscribed_queue(self._sqs, clients.make("sns"), topic_arn)
        self._alerts: list[Alert] = []
        self._failure: TwinError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._collect, name="inbox", daemon=True)

    def start(self) -> None:
        """Collects from now on, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Ends collecting. A second call does nothing."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_POLL_S + 5)

    @property
    def alerts(self) -> list[Alert]:
        """What arrived so far, every delivery counted."""
        return list(self._alerts)

    def check(self) -> None:
        """Raises ``TwinError`` if a notification came that cannot be read."""
        if self._failure is not None:
            raise self._failure

    def settle(self, quiet_s: float, timeout_s: float) -> None:
        """Waits until nothing has arrived for ``quiet_s``."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            before = len(self._alerts)
            self._stop.wait(quiet_s)
            if len(self._alerts) == before:
                return

    def _collect(self) -> None:
        while not self._stop.is_set():
            try:
                self._receive()
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                self._stop.wait(_POLL_S)  # the cloud is ending, or busy: the next round tells
            except TwinError as exc:
                self._failure = exc
                return

    def _receive(self) -> None:
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=_POLL_S)
        for message in answer.get("Messages", []):
            self._alerts.append(_alert(message["Body"]))
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])


def _subscribed_queue(sqs: Any, sns: Any, topic_arn: str) -> str:  # noqa: ANN401 - boto3 clients
    url: str = sqs.create_queue(QueueName="thresher-twin-inbox")["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    queue_arn = answer["Attributes"]["QueueArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    return url


def _alert(body: str) -> Alert:
    try:
        return msgspec.json.decode(body, type=Alert)
    except msgspec.DecodeError as exc:
        raise TwinError(f"an alert that cannot be read: {exc}: {body[:200]}") from exc
