"""One report for AWS IoT Device Defender, in its form: JSON with the long names.

Rules: traffic is what passed since the last report; a custom metric is a list of one element, else the service
answers ``InvalidPayload``; what does not fit is left out, and ``total`` still counts it.
Source: AWS IoT Device Defender Developer Guide, "Device-side metrics" and "Sending metrics from devices".

Not here: when a report is sent (``defender``).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from device_agent.fleet.visibility.sockets import Connection, Port, Sockets

VERSION: Final = "1.0"
MOST_LISTED: Final = 50
"""Of ports and of connections. A report stays below the data budget's notice: about 5 KB at most."""


def report(report_id: int, now: Sockets, before: Sockets, custom: Mapping[str, float]) -> bytes:
    """The report's bytes.

    Args:
        report_id: Larger than that of every report before.
        now: The machine now.
        before: The same at the last report.
        custom: Numbers of our own by the names that the account defines for them.
    """
    return msgspec.json.encode(
        {
            "header": {"report_id": report_id, "version": VERSION},
            "metrics": {
                "listening_tcp_ports": _listening(now.tcp),
                "listening_udp_ports": _listening(now.udp),
                "network_stats": _traffic(now, before),
                "tcp_connections": {"established_connections": _established(now.connections)},
            },
            "custom_metrics": {name: [{"number": value}] for name, value in sorted(custom.items())},
        }
    )


def _listening(ports: tuple[Port, ...]) -> dict[str, Any]:
    return {"ports": _listed(_named(port=one.port, interface=one.interface) for one in ports), "total": len(ports)}


def _established(connections: tuple[Connection, ...]) -> dict[str, Any]:
    found = (_named(remote_addr=o.remote, local_port=o.local_port, local_interface=o.interface) for o in connections)
    return {"connections": _listed(found), "total": len(connections)}


def _listed(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(found)[:MOST_LISTED]


def _named(**values: object) -> dict[str, Any]:
    """Without what is not known."""
    return {name: value for name, value in values.items() if value != ""}


def _traffic(now: Sockets, before: Sockets) -> dict[str, int]:
    """An interface that began anew counts from nothing again: never less than nothing passed."""
    return {name: max(0, value - getattr(before.traffic, name)) for name, value in now.traffic._asdict().items()}
