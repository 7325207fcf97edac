"""Ports on 127.0.0.1: free ones, busy ones, and the proof that nothing listens anywhere else."""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final

import psutil

from twin.errors import TwinError

LOOPBACK: Final = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """So many different ports that nobody holds now. Another process may take one before it is used."""
    held = [socket.socket() for _ in range(count)]
    try:
        for sock in held:
            sock.bind((LOOPBACK, 0))
        return [int(sock.getsockname()[1]) for sock in held]
    finally:
        for sock in held:
            sock.close()


def own_tree() -> list[psutil.Process]:
    """This process and all its descendants."""
    this = psutil.Process()
    return [this, *this.children(recursive=True)]


def open_addresses(processes: Iterable[psutil.Process]) -> list[tuple[str, int]]:
    """Addresses at which these processes can be reached: listening TCP sockets and unconnected UDP ones."""
    found: list[tuple[str, int]] = []
    for process in processes:
        try:
            connections = process.net_connections(kind="inet")
        except psutil.NoSuchProcess:
            continue
        for connection in connections:
            waiting = connection.type == socket.SOCK_DGRAM and not connection.raddr
            if connection.laddr and (waiting or connection.status == psutil.CONN_LISTEN):
                found.append((connection.laddr.ip, connection.laddr.port))
    return found


def prove_loopback(processes: Iterable[psutil.Process]) -> list[tuple[str, int]]:
    """The addresses of these processes, all of them on loopback.

    Raises:
        TwinError: One of them can be reached from another machine.
    """
    addresses = open_addresses(processes)
    for host, port in addresses:
        if not ipaddress.ip_address(host).is_loopback:
            raise TwinError(
                f"{host}:{port} would be reachable from other machines",
                remedy="this is a fault of the twin's launcher: report it; everything was stopped",
            )
    return addresses
