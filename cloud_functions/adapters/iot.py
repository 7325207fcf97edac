"""Answers to gateways, published on their own topics through AWS IoT Core's data plane."""

from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cloud_functions.core.errors import StoreError
from contract.certificates import CertificateAnswer
from contract.codec import encode_stored
from contract.envelope import Stored
from contract.feedback import Feedback, encode_feedback
from contract.topics import certificate_topic, feedback_topic, stored_topic


class IotReplies:
    """Publishes answers with QoS 1, so that a gateway with a persistent session hears them when it is back.

    Args:
        client: A boto3 ``iot-data`` client.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._client = client

    def reply(self, gateway_id: str, stored: Stored) -> None:
        """See ``ports.Replies``."""
        self._publish(stored_topic(gateway_id), encode_stored(stored))

    def advise(self, gateway_id: str, feedback: Feedback) -> None:
        """See ``ports.Replies``."""
        self._publish(feedback_topic(gateway_id), encode_feedback(feedback))

    def certify(self, gateway_id: str, answer: CertificateAnswer) -> None:
        """See ``ports.Replies``."""
        self._publish(certificate_topic(gateway_id), msgspec.json.encode(answer))

    def _publish(self, topic: str, payload: bytes) -> None:
        try:
            self._client.publish(topic=topic, qos=1, payload=payload)
        except (ClientError, BotoCoreError) as exc:
            raise StoreError(f"topic {topic}: {exc}") from exc
