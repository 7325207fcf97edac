"""A download server on loopback that does what a test says: ranges, tags, expiry, breaks, endless and slow answers."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple

_PIECE: Final = 16 * 1024


class Answering(NamedTuple):
    """How one request is answered.

    Attributes:
        status: Other than 200 answers without content.
        most: Bytes of content after which the connection breaks; ``None`` sends it whole.
        ranges: Whether ``Range`` is honoured.
        etag: Sent, and compared with ``If-Range``.
        endless: The content goes on for ever, and no length is stated.
        stated: A length that is not true.
        location: Of a redirect.
        hang: Sends nothing more after the content, and keeps the connection.
    """

    status: int = 200
    most: int | None = None
    ranges: bool = True
    etag: str = '"1"'
    endless: bool = False
    stated: int | None = None
    location: str = ""
    hang: bool = False


class Server:
    """What was asked, and how it is answered.

    Attributes:
        content: Served under every path.
        answers: Taken one after the other; the last for ever.
        asked: The path and ``Range`` header of each request.
        sent: Bytes of content.
    """

    def __init__(self, content: bytes, *answers: Answering) -> None:
        self.content = content
        self.answers = list(answers) or [Answering()]
        self.asked: list[tuple[str, str]] = []
        self.sent = 0
        self.url = ""
        self.over = threading.Event()

    def next(self) -> Answering:
        """How the next request is answered."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving(server: Server, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Runs a server on a free port of 127.0.0.1, with TLS where a context is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, server)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{http.server_address[1]}/bundle"
        if tls:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            http.shutdown()
            thread.join()


def _answer(request: BaseHTTPRequestHandler, server: Server) -> None:
    how, wanted = server.next(), request.headers.get("Range", "")
    server.asked.append((request.path, wanted))
    begin = _begin(request, how, wanted)
    if how.status != 200:  # noqa: PLR2004 - OK
        request.send_response(how.status)
        if how.location:
            request.send_header("Location", how.location)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    whole = len(server.content)
    request.send_response(206 if begin else 200)
    if begin:
        request.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
    if not how.endless:
        request.send_header("Content-Length", str(whole - begin if how.stated is None else how.stated))
    request.send_header("ETag", how.etag)
    request.end_headers()
    _send(request, server, how, begin)


def _begin(request: BaseHTTPRequestHandler, how: Answering, wanted: str) -> int:
    same = request.headers.get("If-Range", how.etag) == how.etag
    return int(wanted.removeprefix("bytes=").rstrip("-")) if how.ranges and wanted and same else 0


def _send(request: BaseHTTPRequestHandler, server: Server, how: Answering, begin: int) -> None:
    end = len(server.content) if how.most is None else min(begin + how.most, len(server.content))
    try:
        for at in range(begin, end, _PIECE):
            piece = server.content[at : min(at + _PIECE, end)]
            request.wfile.write(piece)
            server.sent += len(piece)
        while how.endless and not server.over.is_set():
            request.wfile.write(bytes(_PIECE))
            server.sent += _PIECE
        if how.hang:
            server.over.wait(60)
    except OSError:
        request.close_connection = True
