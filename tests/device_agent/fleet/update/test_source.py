"""Download servers over TLS and through a proxy, and one that never comes to its point."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.tls_proxy import Authority
from bench.updates.server import Server, serving
from device_agent.fleet.update.errors import DownloadError
from device_agent.fleet.update.source import Access, asked

CONTENT = b"a bundle" * 1000


def got(url: str, access: Access) -> bytes:
    with asked(url, access, offset=0, etag="", size=len(CONTENT)) as answer:
        return answer.body.read()


@contextlib.contextmanager
def secured(tmp_path: Path, address: str = "127.0.0.1") -> Iterator[tuple[Server, Path]]:
    authority = Authority(tmp_path / "authority")
    authority.issue("bundles", tmp_path / "cert.pem", tmp_path / "key.pem", seconds=600, address=address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with serving(Server(CONTENT), context) as server:
        yield server, authority.ca


def test_a_server_that_the_configured_authority_vouches_for_is_believed(tmp_path: Path) -> None:
    with secured(tmp_path) as (server, ca):
        assert got(server.url, Access(ca)) == CONTENT


def test_a_server_that_nobody_vouches_for_is_not(tmp_path: Path) -> None:
    with secured(tmp_path) as (server, _), pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
        got(server.url, Access())
    assert server.asked == []


def test_a_certificate_of_another_server_is_refused(tmp_path: Path) -> None:
    with secured(tmp_path, "127.0.0.2") as (server, ca), pytest.raises(DownloadError, match=r"mismatch|not valid for"):
        got(server.url, Access(ca))


def test_through_a_proxy_the_server_is_still_the_one_that_is_checked(tmp_path: Path) -> None:
    with secured(tmp_path, "127.0.0.2") as (server, ca), tunnelling() as (port, wanted):
        url = server.url.replace("127.0.0.1", "127.0.0.2")
        assert got(url, Access(ca, ("127.0.0.1", port))) == CONTENT
    assert wanted == [url.split("/")[2]]


def test_headers_that_never_end_are_hung_up_on() -> None:
    over = threading.Event()

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            while not over.wait(0.02):
                connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(DownloadError):
            got(f"http://127.0.0.1:{listener.getsockname()[1]}/", Access(headers_s=0.2))
        over.set()
        thread.join()


@contextlib.contextmanager
def tunnelling() -> Iterator[tuple[int, list[str]]]:
    """A proxy that opens one tunnel to this machine; yields its port and what was asked for."""
    wanted: list[str] = []

    def tunnel() -> None:
        near, _ = listener.accept()
        target = near.recv(4096).split()[1].decode()
        wanted.append(target)
        with near, socket.create_connection(("127.0.0.1", int(target.split(":")[1]))) as far:
            near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=[far, near])
            back.start()
            pump(near, far)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=tunnel)
        thread.start()
        yield listener.getsockname()[1], wanted
        thread.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
