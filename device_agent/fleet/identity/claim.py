"""Fleet provisioning over MQTT 5 with a claim certificate (AWS IoT Developer Guide, "Device provisioning MQTT API").

```
$aws/certificates/create-from-csr/json                       ▶ accepted | rejected
$aws/provisioning-templates/<template>/provision/json        ▶ accepted | rejected
```
The client id begins with ``claim-``: the claim's policy allows no other, so a claim cannot take a gateway's session.
"""

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from device_agent.config import UplinkConfig
from device_agent.errors import UplinkError
from device_agent.fleet.identity.connecting import Connection, connected
from device_agent.fleet.identity.registrar import Issued, Registered, refusal

T = TypeVar("T")
CREATE: Final = "$aws/certificates/create-from-csr/json"
_CONNECT_S: Final = 30.0
_ANSWER_S: Final = 20.0
"""The hook is given 5 s (AWS IoT Developer Guide, "Pre-provisioning hooks")."""


def provision_topic(template: str) -> str:
    """Where a thing is asked for."""
    return f"$aws/provisioning-templates/{template}/provision/json"


class ClaimRegistrar:
    """See ``Registrar``.

    Args:
        connection: With the claim certificate; hears the answers already.
        template: Name of the provisioning template.
        serial: For messages.
    """

    def __init__(self, connection: Connection, template: str, serial: str) -> None:
        self._connection = connection
        self._template = template
        self._serial = serial

    def create(self, request: str) -> Issued:
        """See ``Registrar``."""
        return self._ask(CREATE, {"certificateSigningRequest": request}, Issued)

    def register(self, token: str, parameters: Mapping[str, str]) -> Registered:
        """See ``Registrar``."""
        asked = {"certificateOwnershipToken": token, "parameters": dict(parameters)}
        return self._ask(provision_topic(self._template), asked, Registered)

    def _ask(self, topic: str, asked: dict[str, Any], kind: type[T]) -> T:
        self._connection.say(topic, msgspec.json.encode(asked))
        deadline = time.monotonic() + _ANSWER_S
        while (left := deadline - time.monotonic()) > 0:
            message = self._connection.next(left)
            if message is None or not message.topic.startswith(f"{topic}/"):
                continue
            if message.topic.endswith("/rejected"):
                raise refusal(message.payload, serial=self._serial)
            try:
                return msgspec.json.decode(message.payload, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                raise UplinkError(f"{topic}: answered what nobody understands: {exc}", remedy="try again") from exc
        raise UplinkError(f"{topic}: no answer within {_ANSWER_S:.0f} s", remedy="try again")


@contextlib.contextmanager
def claiming(config: UplinkConfig, template: str, serial: str) -> Iterator[ClaimRegistrar]:
    """Connects for the length of the block.

    Args:
        config: The gateway's uplink, with the claim's certificate and key in place of its own.
        template: See ``ClaimRegistrar``.
        serial: See ``ClaimRegistrar``.

    Raises:
        ConfigError: A file cannot be used.
        UplinkError: No connection, or the claim's policy does not allow its topics.
    """
    topics = (CREATE, provision_topic(template))
    with connected(config, f"claim-{uuid.uuid4().hex}", within_s=_CONNECT_S) as connection:
        connection.hear([f"{topic}/{answer}" for topic in topics for answer in ("accepted", "rejected")])
        yield ClaimRegistrar(connection, template, serial)
