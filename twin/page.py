"""The page's origin: http://127.0.0.1:8080 serves the page from its bucket and ``/api`` from the query API.

```text
 browser ── GET /            ──▶ PageServer ──▶ S3 object index.html
         ── GET /api/fleet   ──▶            ──▶ API Gateway ──▶ Lambda
         ── POST /api/…      ──▶            ──▶
```
It listens on loopback only and answers no host name but its own, so that a page of another origin cannot reach the
API through a name that resolves to 127.0.0.1. It takes a POST of JSON only, and from no other origin: a form of
another page sends neither JSON nor this origin.

Not here: what the page shows (``dashboard``) and what the API says (``cloud_functions``).
"""

import errno
import http.client
import posixpath
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, Protocol, Self
from urllib.parse import unquote, urlsplit

import botocore.exceptions

from twin.aws import Clients
from twin.errors import UsageError
from twin.ministack import Endpoint
from twin.ports import LOOPBACK

_TIMEOUT_S: Final = 15.0
_MAX_BODY: Final = 4096
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STARTING: Final = (
    b'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="1">'
    b"<title>Thresher</title><p>The local cloud is starting; this page will follow."
)


class Answer(NamedTuple):
    """What the browser gets."""

    status: int
    content_type: str
    body: bytes


class Backend(Protocol):
    """Where pages and data come from. Several threads call it at once; it never raises for what was asked."""

    def page(self, key: str) -> Answer:
        """One file of the page; 404 where there is none."""

    def api(self, target: str) -> Answer:
        """One call of the query API; ``target`` is path and query. 502 where it does not answer."""

    def tell(self, target: str, body: bytes) -> Answer:
        """The same with something to say, JSON."""


class CloudBackend:
    """The local cloud's bucket and API.

    Args:
        clients: Of the local cloud.
        endpoint: The same cloud.
        bucket: The page's.
        api_url: The query API's; its host name need not resolve, the connection goes to loopback.
    """

    def __init__(self, clients: Clients, endpoint: Endpoint, *, bucket: str, api_url: str) -> None:
        self._s3 = clients.make("s3")
        self._endpoint = endpoint
        self._bucket = bucket
        self._api_host = urlsplit(api_url).netloc

    def page(self, key: str) -> Answer:
        """See ``Backend``."""
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
            return Answer(HTTPStatus.OK, found["ContentType"], found["Body"].read())
        except self._s3.exceptions.NoSuchKey:
            return _plain(HTTPStatus.NOT_FOUND, "there is no such page")
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as exc:
            return _plain(HTTPStatus.BAD_GATEWAY, f"the page's bucket does not answer: {exc}")

    def api(self, target: str) -> Answer:
        """See ``Backend``."""
        return self._exchange("GET", target, None, {})

    def tell(self, target: str, body: bytes) -> Answer:
        """See ``Backend``."""
        return self._exchange("POST", target, body, {"Content-Type": "application/json"})

    def _exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self._endpoint.port, timeout=_TIMEOUT_S)
        try:
            connection.request(method, target, body=body, headers={"Host": self._api_host, **headers})
            response = connection.getresponse()
            kind = response.headers.get("Content-Type", "application/json")
            return Answer(response.status, kind, response.read())
        except (OSError, http.client.HTTPException) as exc:
            return _plain(HTTPStatus.BAD_GATEWAY, f"the query API does not answer: {exc}")
        finally:
            connection.close()


class PageServer:
    """Serves the page from a thread of its own. Until ``connect`` it says that the cloud is starting.

    Args:
        port: On 127.0.0.1; 0 takes a free one.

    Raises:
        UsageError: The port is busy.
    """

    def __init__(self, port: int) -> None:
        try:
            self._server = _Server((LOOPBACK, port), _Handler)
        except OSError as exc:
            if exc.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            raise UsageError(
                f"port {port} on {LOOPBACK} cannot be had: {exc.strerror}",
                remedy=f"end what uses it (`ss -ltnp 'sport = :{port}'`) or choose another with --port",
            ) from exc
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def connect(self, backend: Backend) -> None:
        """From now on the page and its data come from here."""
        self._server.backend = backend

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stops answering and frees the port. A second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(timeout=_TIMEOUT_S)
        self._server.server_close()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True  # a port in TIME_WAIT is free; one that is listened on stays busy
    backend: Backend | None = None


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT_S
    server_version = "thresher-twin"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers a GET."""
        self._send(self._answer(), with_body=True)

    def do_HEAD(self) -> None:
        """Answers a HEAD."""
        self._send(self._answer(), with_body=False)

    def do_POST(self) -> None:
        """Answers a POST."""
        self.close_connection = True  # a body that is not taken stays unread
        self._send(self._told(), with_body=True)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - http.server's signature
        """Says nothing: the demo's terminal shows its own status."""

    def _answer(self) -> Answer:
        port = self.server.server_port
        if self.headers.get("Host") not in {f"{LOOPBACK}:{port}", f"localhost:{port}"}:
            return _plain(HTTPStatus.MISDIRECTED_REQUEST, f"this is http://{LOOPBACK}:{port}")
        if self.server.backend is None:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/html; charset=utf-8", _STARTING)
        if self.path.startswith("/api/"):
            return self.server.backend.api(self.path)
        key = page_key(self.path)
        return self.server.backend.page(key) if key else _plain(HTTPStatus.NOT_FOUND, "there is no such page")

    def _told(self) -> Answer:
        port, headers = self.server.server_port, self.headers
        own = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
        if headers.get("Host") not in own:
            return _plain(HTTPStatus.MISDIRECTED_REQUEST, f"this is http://{LOOPBACK}:{port}")
        if headers.get("Origin", "").removeprefix("http://") not in own:
            return _plain(HTTPStatus.FORBIDDEN, "only this page may say something here")
        if headers.get_content_type() != "application/json" or not self.path.startswith("/api/"):
            return _plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON to /api/")
        length = headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {_MAX_BODY} bytes, and say how many")
        if self.server.backend is None:
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "the local cloud is starting")
        return self.server.backend.tell(self.path, self.rfile.read(int(length)))

    def _send(self, answer: Answer, *, with_body: bool) -> None:
        self.send_response(answer.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)


def page_key(target: str) -> str | None:
    """The bucket key of a request's path, ``index.html`` for a folder; ``None`` for a path that climbs out."""
    path = unquote(target.split("?", 1)[0].split("#", 1)[0])
    if not path.startswith("/") or "\\" in path or "\0" in path or ".." in path.split("/"):
        return None
    key = posixpath.normpath(path).lstrip("/")
    return key if key not in {"", "."} and not path.endswith("/") else posixpath.join(key, "index.html")


def _plain(status: int, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode())
