"""A loopback HTTP proxy before the table that refuses a share of all calls, as DynamoDB does above its throughput.

Source of the answer: the error a client gets from DynamoDB (ProvisionedThroughputExceededException, HTTP 400).
"""

import http.client
import http.server
import random
import threading
from typing import Final, Self

from twin.ports import LOOPBACK

SHARE: Final = 0.5
_REFUSAL: Final = (
    b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",'
    b'"message":"The level of configured provisioned throughput for the table was exceeded."}'
)


class ThrottlingProxy:
    """A context manager.

    Args:
        target: Port of the local cloud on 127.0.0.1.
        seed: Of the choice.

    Attributes:
        port: On 127.0.0.1.
        refused: Calls refused so far.
    """

    def __init__(self, target: int, *, seed: int) -> None:
        self.refused = 0
        self._source, self._mutex = random.Random(seed), threading.Lock()
        self._server = http.server.ThreadingHTTPServer((LOOPBACK, 0), _handler(self, target))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def refuses(self) -> bool:
        """Whether this call is refused."""
        with self._mutex:
            if self._source.random() >= SHARE:
                return False
            self.refused += 1
            return True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="throttle", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(proxy: ThrottlingProxy, target: int) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if proxy.refuses():
                self._answer(http.HTTPStatus.BAD_REQUEST, _REFUSAL, "application/x-amz-json-1.0")
                return
            connection = http.client.HTTPConnection(LOOPBACK, target, timeout=30)
            try:
                connection.request("POST", self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content_type = answer.getheader("Content-Type", "application/x-amz-json-1.0")
                self._answer(answer.status, answer.read(), content_type)
            finally:
                connection.close()

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing: the row counts."""

    return Handler
