"""How long the message is that brings a job document to a gateway, its presigned URLs at their real length.

A Greengrass nucleus lite receives 5,000 bytes and loses what is longer. Source: aws-greengrass-lite, iotcored:
``IOTCORED_NETWORK_BUFFER_SIZE``; AWS Signature Version 4, query parameters.
"""

import re
from typing import Final

import msgspec

PRESIGNED: Final = re.compile(r"\$\{aws:iot:s3-presigned-url:(?P<url>[^}]*)\}")
"""What IoT Jobs replaces by a URL when a gateway asks for the document."""

MAX_ANSWER_BYTES: Final = 4500
"""Of the message, so that topic and framing have room beside it."""

ANSWER_BYTES: Final = 640
"""Of that message beside the document: a job's name of 64 characters, a thing's of 128, times, versions, a token."""

TOKEN_BYTES: Final = 1200
"""Of a session token in a URL, percent-encoded. AWS promises no bound; a role's has about a thousand characters."""

_SIGNATURE_BYTES: Final = 64
_KEY_ID_BYTES: Final = 20


def answer_bytes(text: str) -> int:
    """Bytes of the message that brings a document to a gateway, its placeholders filled in."""
    compact = msgspec.json.encode(msgspec.json.decode(text)).decode()
    return ANSWER_BYTES + len(PRESIGNED.sub(lambda found: signed(found["url"]), compact).encode())


def signed(url: str) -> str:
    """A URL as long as the presigned one that IoT Jobs puts in its place (AWS Signature Version 4, query)."""
    return (
        f"{url}?X-Amz-Security-Token={'T' * TOKEN_BYTES}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z"
        "&X-Amz-SignedHeaders=host&X-Amz-Expires=3600"
        f"&X-Amz-Credential={'A' * _KEY_ID_BYTES}%2F20260101%2Fap-southeast-1%2Fs3%2Faws4_request"
        f"&X-Amz-Signature={'0' * _SIGNATURE_BYTES}"
    )
