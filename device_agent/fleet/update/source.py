"""One answer of a download server: https, bounded in time, from where an earlier one broke off.

Plain http is taken from this machine only (loopback). A redirect must lead to https as well. Headers must be whole
within a minute, or the connection is closed under the reader: a server that sends a byte every few seconds would
keep a per-call timeout from ever passing.

Not here: the bytes' digest and where they go (``download``).
"""

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from device_agent.fleet.update.errors import DownloadError, ExpiredError, HopelessError

_CALL_S: Final = 30.0
_REDIRECTS: Final = 3
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
_EXPIRED: Final = frozenset({401, 403, 410})
_MOVED: Final = frozenset({301, 302, 303, 307, 308})


class Access(NamedTuple):
    """How servers are reached.

    Attributes:
        ca_file: PEM of who may vouch for them; ``None`` for the system's own.
        proxy: Host and port; ``None`` for none.
        headers_s: Within so long an answer must have begun.
    """

    ca_file: Path | None = None
    proxy: tuple[str, int] | None = None
    headers_s: float = 60.0


class Answer(NamedTuple):
    """What comes.

    Attributes:
        offset: Of its first byte in the whole.
        etag: Names exactly these bytes; empty where the server gives no such name.
        body: Read it by ``read1``.
    """

    offset: int
    etag: str
    body: http.client.HTTPResponse


@contextlib.contextmanager
def asked(url: str, access: Access, *, offset: int, etag: str, size: int) -> Iterator[Answer]:
    """Asks for a file from an offset on.

    Args:
        url: Of it.
        access: How.
        offset: Of the first byte wanted.
        etag: Of what is there already; another version is sent whole then.
        size: The whole must have.

    Raises:
        ExpiredError: The URL is no longer taken.
        DownloadError: Anything else that may pass.
        HopelessError: The URL is not one that may be used.
    """
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if etag:
            headers["If-Range"] = etag
    try:
        with contextlib.ExitStack() as cleanup:
            response = _followed(url, access, headers, cleanup)
            yield _judged(response, offset=offset, size=size)
    except (OSError, http.client.HTTPException) as exc:
        raise DownloadError(f"{_shown(url)}: {exc or type(exc).__name__}") from exc


def _followed(
    url: str, access: Access, headers: dict[str, str], cleanup: contextlib.ExitStack
) -> http.client.HTTPResponse:
    for _ in range(_REDIRECTS + 1):
        parts = _allowed(url)
        connection = cleanup.enter_context(contextlib.closing(_connection(parts, access)))
        response = _headers_of(connection, parts, headers, within_s=access.headers_s)
        if response.status not in _MOVED:
            return response
        url = urljoin(url, response.getheader("Location", ""))
    raise DownloadError(f"{_shown(url)}: more than {_REDIRECTS} redirects")


def _headers_of(
    connection: http.client.HTTPConnection, parts: SplitResult, headers: dict[str, str], *, within_s: float
) -> http.client.HTTPResponse:
    connection.connect()
    hurry = threading.Timer(within_s, _hang_up, [connection.sock])
    hurry.daemon = True
    hurry.start()
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        return connection.getresponse()
    finally:
        hurry.cancel()


def _hang_up(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _allowed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError as exc:
        raise HopelessError(f"{url[:80]!r}: not a URL") from exc
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (is_secure and parts.hostname and port_is_sane) or parts.username is not None:
        raise HopelessError(f"{_shown(url)}: only https is taken", remedy="give the bundle an https URL")
    return parts


def _connection(parts: SplitResult, access: Access) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=_CALL_S)
    context = ssl.create_default_context(cafile=str(access.ca_file) if access.ca_file else None)
    if access.proxy is None or host in _LOOPBACK:
        return http.client.HTTPSConnection(host, parts.port, timeout=_CALL_S, context=context)
    connection = http.client.HTTPSConnection(*access.proxy, timeout=_CALL_S, context=context)
    connection.set_tunnel(host, parts.port or 443)
    return connection


def _judged(response: http.client.HTTPResponse, *, offset: int, size: int) -> Answer:
    status, begin = response.status, 0
    if status in _EXPIRED:
        raise ExpiredError(f"the server answers {status}: the URL has expired, or is not allowed")
    if status == _PARTIAL:
        match = _RANGE.fullmatch(response.getheader("Content-Range", ""))
        if match is None or (int(match[1]), int(match[2])) != (offset, size):
            raise OtherContentError(f"the server sends {response.getheader('Content-Range')!r}, not from {offset} on")
        begin = offset
    elif status == _NOT_SATISFIABLE:
        raise OtherContentError("the server has no bytes from there on")
    elif status != _OK:
        raise DownloadError(f"the server answers {status} {response.reason}")
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise DownloadError("the server encodes the bytes, which was not asked for")
    if response.length is not None and response.length != size - begin:
        raise OtherContentError(f"the server has {response.length + begin} bytes, {size} were announced")
    etag = response.getheader("ETag", "")
    return Answer(begin, "" if etag.startswith("W/") else etag, response)


class OtherContentError(DownloadError):
    """What the server has is not what an earlier part came from: begin anew."""


def _shown(url: str) -> str:
    """Without its query: a presigned one is a secret."""
    return url.split("?", 1)[0][:200]
