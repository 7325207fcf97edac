"""Sends bytes to a presigned URL by HTTP PUT: https, or plain http to this machine only.

Not here: trying again (``diagnostics``).
"""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import http.client

_CALL_S: Final = 60.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_REFUSED: Final = frozenset({401, 403, 410})


class UploadError(Exception):
    """It did not arrive; it may the next time."""


class RefusedError(Exception):
    """The URL is no longer taken; a fresh one may be."""


def check_url(url: str) -> str:
    """Why nothing may be sent there, empty where it may."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return ""
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return ""
    return "the upload URL is not https"


def put(url: str, data: bytes) -> None:
    """Sends it.

    Raises:
        RefusedError: The URL has expired or does not allow it.
        UploadError: Anything else.
    """
    import http.client  # noqa: PLC0415 - megabytes that hardly any job needs

    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection = _connection(parts.scheme, parts.hostname or "", parts.port)
    try:
        connection.request("PUT", path, body=data, headers={"Content-Length": str(len(data))})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as exc:
        raise UploadError(f"{parts.hostname}: {exc}") from exc
    finally:
        connection.close()
    if answer.status in _REFUSED:
        raise RefusedError(f"{parts.hostname}: HTTP {answer.status}")
    if answer.status not in range(200, 300):
        raise UploadError(f"{parts.hostname}: HTTP {answer.status}")


def _connection(scheme: str, host: str, port: int | None) -> "http.client.HTTPConnection":
    import http.client  # noqa: PLC0415 - see above
    import ssl  # noqa: PLC0415 - see above

    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=_CALL_S, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=_CALL_S)
