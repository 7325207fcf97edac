"""Teaches MiniStack the one question of fleet provisioning that it lacks: a certificate for the device's own request.

MiniStack 1.5.33 answers ``$aws/certificates/create/json``, where the cloud makes the key. A gateway's key is never
sent, so it asks on ``create-from-csr/json`` (AWS IoT Developer Guide, "Device provisioning MQTT API"). The certificate
is made by MiniStack's own ``CreateCertificateFromCsr``; token, state and answers are as for the other question.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any, Final

TOPIC: Final = "$aws/certificates/create-from-csr/json"
OPERATION: Final = "create-from-csr"
_Answer = tuple[str, dict[str, Any]]


def teach(iot: ModuleType) -> None:
    """Makes MiniStack's IoT service answer certificate requests."""
    parse: Callable[[str], Any] = iot._parse_fleet_provisioning_topic  # noqa: SLF001 - the only place it can be asked for
    reply: Callable[..., Awaitable[_Answer]] = iot._fleet_provisioning_reply  # noqa: SLF001 - same

    def parsed(topic: str) -> Any:  # noqa: ANN401 - as MiniStack's
        return (OPERATION, None) if topic == TOPIC else parse(topic)

    async def replied(
        account: str, region: str, operation: str, template: str | None, payload: bytes, connection: dict[str, Any]
    ) -> _Answer:
        if operation != OPERATION:
            return await reply(account, region, operation, template, payload, connection)
        return await asyncio.to_thread(_issued, iot, account, region, payload)

    iot._parse_fleet_provisioning_topic = parsed  # type: ignore[attr-defined]  # noqa: SLF001 - same
    iot._fleet_provisioning_reply = replied  # type: ignore[attr-defined]  # noqa: SLF001 - same


def _issued(iot: Any, account: str, region: str, payload: bytes) -> _Answer:  # noqa: ANN401 - a module
    try:
        asked = json.loads(payload)["certificateSigningRequest"]
    except (ValueError, KeyError, TypeError):
        return _refused("InvalidPayload", "Message cannot be parsed")
    with iot.request_scope(account, region):
        status, _, body = iot._create_certificate_from_csr({"certificateSigningRequest": asked}, {})  # noqa: SLF001 - see above
        if status != 200:  # noqa: PLR2004 - HTTP's OK
            return _refused(
                "InvalidCertificateSigningRequest", json.loads(body).get("message", "CSR violates constraints")
            )
        made = json.loads(body)
        iot._certificates[made["certificateId"]]["status"] = "PENDING_ACTIVATION"  # noqa: SLF001 - see above
        token = secrets.token_urlsafe(48)
        iot._ownership_tokens[token] = {  # noqa: SLF001 - see above
            "certificateId": made["certificateId"],
            "expiration": time.time() + iot._OWNERSHIP_TOKEN_SECONDS,  # noqa: SLF001 - see above
        }
    return "accepted", {
        "certificateId": made["certificateId"],
        "certificatePem": made["certificatePem"],
        "certificateOwnershipToken": token,
    }


def _refused(code: str, message: str) -> _Answer:
    return "rejected", {"statusCode": 400, "errorCode": code, "errorMessage": message}
