"""Alerts to people and other systems, through Amazon SNS.

The message is JSON; severity and gateway are also attributes, for subscribers' filter policies.
"""

from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cloud_functions.core.errors import StoreError
from cloud_functions.core.people import About, Alert

_MAX_SUBJECT = 100  # characters, printable ASCII (Amazon SNS API, Publish)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber receives."""

    alert_id: str
    gateway_id: str
    sensor: str
    episode_id: str
    opened_ms: int
    severity: str
    top_channel: str
    reason: str
    peak_score: float
    about: About = "episode"


class SnsNotifier:
    """Publishes alerts to one topic.

    Args:
        client: A boto3 ``sns`` client.
        topic_arn: The topic.
    """

    def __init__(self, client: Any, topic_arn: str) -> None:  # noqa: ANN401 - a boto3 client
        self._client = client
        self._topic_arn = topic_arn

    def notify(self, alert: Alert) -> None:
        """See ``ports.Notifier``."""
        notice = msgspec.convert(alert, Notice, from_attributes=True)
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=subject(alert),
                Message=msgspec.json.encode(notice).decode(),
                MessageAttributes={
                    "severity": {"DataType": "String", "StringValue": alert.severity},
                    "gateway_id": {"DataType": "String", "StringValue": alert.gateway_id},
                },
            )
        except (ClientError, BotoCoreError) as exc:
            raise StoreError(f"topic {self._topic_arn}: {exc}") from exc


def subject(alert: Alert) -> str:
    """One line for a mail's subject."""
    subject_of = alert.sensor if alert.about == "episode" else alert.about
    text = f"Thresher: {alert.severity} alert, {subject_of} on {alert.gateway_id}"
    plain = "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return plain[:_MAX_SUBJECT]
