"""The link does to connections what it says."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from bench.flapping import DOWN_S, UP_S, Flapping
from bench.link import Link, State


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets; its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            while data := sock.recv(1024):
                sock.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield int(server.getsockname()[1])
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def dial(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=5)


def said(sock: socket.socket, data: bytes) -> bytes:
    sock.sendall(data)
    return sock.recv(1024)


def test_an_up_link_passes_bytes_both_ways(echo: int) -> None:
    with Link(echo) as link, dial(link) as sock:
        assert said(sock, b"hello") == b"hello"
        assert link.connections == 1


def test_a_reset_reaches_open_connections_and_new_ones(echo: int) -> None:
    with Link(echo) as link, dial(link) as sock:
        assert said(sock, b"x") == b"x"
        link.become("reset")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        with pytest.raises(ConnectionResetError), dial(link) as again:  # while connecting or at the first byte
            again.recv(1)


def test_a_black_hole_swallows_and_gives_back_when_the_link_returns(echo: int) -> None:
    with Link(echo) as link, dial(link) as sock:
        assert said(sock, b"x") == b"x"
        link.become("black_hole")
        sock.sendall(b"later")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        link.become("up")
        sock.settimeout(5)
        assert sock.recv(1024) == b"later"


def test_a_connection_made_in_a_black_hole_works_afterwards(echo: int) -> None:
    with Link(echo, "black_hole") as link, dial(link) as sock:
        sock.sendall(b"first")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        link.become("up")
        sock.settimeout(5)
        assert sock.recv(1024) == b"first"


class Noted:
    """A link that notes what it became."""

    def __init__(self) -> None:
        self.states: list[State] = []

    def become(self, state: State) -> None:
        self.states.append(state)


def test_a_seed_flaps_the_same_way_and_never_stays_down() -> None:
    histories = []
    for _ in range(2):
        link = Noted()
        flapping = Flapping(link, 7, now_s=0.0)
        for second in range(1800):
            flapping.step(float(second))
        histories.append(link.states)
        assert flapping.resets + flapping.black_holes == len([state for state in link.states if state != "up"])
    assert histories[0] == histories[1]
    assert len(histories[0]) >= 2 * 1800 / (UP_S[1] + DOWN_S[1] + 2)
    assert set(histories[0]) == {"up", "reset", "black_hole"}
    assert all((state == "up") == bool(number % 2) for number, state in enumerate(histories[0]))
