"""Answers to gateways, published on their own topic through AWS IoT Core's data plane."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cloud_functions.core.errors import StoreError
from contract.codec import encode_stored
from contract.envelope import Stored
from contract.topics import stored_topic


class IotReplies:
    """Publishes answers with QoS 1, so that a gateway with a persistent session hears them when it is back.

    Args:
        client: A boto3 ``iot-data`` client.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._client = client

    def reply(self, gateway_id: str, stored: Stored) -> None:
        """See ``ports.Replies``."""
        topic = stored_topic(gateway_id)
        try:
            self._client.publish(topic=topic, qos=1, payload=encode_stored(stored))
        except (ClientError, BotoCoreError) as exc:
            raise StoreError(f"topic {topic}: {exc}") from exc
