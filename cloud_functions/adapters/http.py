"""An HTTP API's events and answers, payload format 2.0 (Amazon API Gateway developer guide, HTTP API integrations)."""

import base64
import binascii
from typing import Any

from cloud_functions.core.api import Reply

NOBODY = "anonymous"
"""Where the API asks nobody who they are, as on the twin."""


def answer(reply: Reply) -> dict[str, Any]:
    """What the function returns."""
    return {
        "statusCode": reply.status,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
        "body": reply.body.decode(),
    }


def body(event: dict[str, Any]) -> bytes:
    """What was sent; empty where it cannot be read."""
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def sender(event: dict[str, Any]) -> str:
    """Who sent it, by the authorisation of the route: IAM or a token."""
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    by_iam = (authorizer.get("iam") or {}).get("userArn")
    claims = (authorizer.get("jwt") or {}).get("claims") or {}
    return str(by_iam or claims.get("email") or claims.get("sub") or NOBODY)
