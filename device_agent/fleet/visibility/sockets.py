"""Sockets and traffic of this machine, as AWS IoT Device Defender counts them.

Not here: the report's form (``metrics``). Reading this needs no rights: only which process has a socket does.
"""

import socket
from typing import Any, Final, NamedTuple

import psutil

_LOOPBACK: Final = "lo"
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound


class Port(NamedTuple):
    """Something listens. ``interface`` is empty where it does so on all of them."""

    port: int
    interface: str


class Connection(NamedTuple):
    """A TCP connection that stands.

    Attributes:
        remote: Address and port of the other end.
        local_port: Of this end.
        interface: Of this end.
    """

    remote: str
    local_port: int
    interface: str


class Traffic(NamedTuple):
    """Counters of all network interfaces but the loopback one since boot."""

    bytes_in: int
    bytes_out: int
    packets_in: int
    packets_out: int


class Sockets(NamedTuple):
    """One look.

    Attributes:
        tcp: Listening TCP ports, in order.
        udp: Listening UDP ports, in order.
        connections: Established TCP connections, in order.
        traffic: See there.
    """

    tcp: tuple[Port, ...]
    udp: tuple[Port, ...]
    connections: tuple[Connection, ...]
    traffic: Traffic


def look() -> Sockets:
    """This machine now."""
    interfaces = {
        each.address.partition("%")[0]: name for name, addresses in psutil.net_if_addrs().items() for each in addresses
    }
    found = psutil.net_connections(kind="inet")
    return Sockets(
        tcp=_ports([one for one in found if one.status == psutil.CONN_LISTEN], interfaces),
        udp=_ports([one for one in found if one.type == socket.SOCK_DGRAM and not one.raddr], interfaces),
        connections=_connections([one for one in found if one.status == psutil.CONN_ESTABLISHED], interfaces),
        traffic=_traffic(),
    )


def _ports(found: list[Any], interfaces: dict[str, str]) -> tuple[Port, ...]:
    where = {(one.laddr.port, "" if one.laddr.ip in _ANY else interfaces.get(one.laddr.ip, "")) for one in found}
    return tuple(Port(*each) for each in sorted(where))


def _connections(found: list[Any], interfaces: dict[str, str]) -> tuple[Connection, ...]:
    known = (Connection(_end(o.raddr), o.laddr.port, interfaces.get(o.laddr.ip, "")) for o in found)
    return tuple(sorted(known))


def _end(address: Any) -> str:  # noqa: ANN401 - psutil's own tuple
    return f"[{address.ip}]:{address.port}" if ":" in address.ip else f"{address.ip}:{address.port}"


def _traffic() -> Traffic:
    cards = [card for name, card in psutil.net_io_counters(pernic=True).items() if name != _LOOPBACK]
    return Traffic(
        sum(card.bytes_recv for card in cards),
        sum(card.bytes_sent for card in cards),
        sum(card.packets_recv for card in cards),
        sum(card.packets_sent for card in cards),
    )
