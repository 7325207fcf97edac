"""What a connection costs that carries nothing, and what a publish costs beside its payload.

```
python -m bench.idle_traffic [--json]
```
The real uplink over mutual TLS to the twin's broker, through a proxy that counts. A keep-alive ping is measured at the
shortest interval allowed and reckoned for longer ones: its bytes do not depend on the interval. Header bytes are
reckoned (see ``bench.counting``). AWS IoT Core's certificate chain may make a connection some KB longer than here.

The results are what ``device_agent.budget`` reckons with.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from bench.counting import CountingProxy, Passed
from bench.output import show
from contract.topics import DEFAULT_RULE, events_topic, stored_topic
from device_agent.config import UplinkConfig
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from twin.aws import Clients
from twin.errors import TwinError
from twin.ministack import MiniStack
from twin.ports import LOOPBACK
from twin.provision import Provisioner

GATEWAY: Final = "idle"
SHORTEST_S: Final = 5
KEEP_ALIVES_S: Final = (30, 60, 1200)
_PINGS: Final = 4
_PUBLISHES: Final = 50
_PAYLOAD_BYTES: Final = 1000
_CONNECT_S: Final = 20.0
_HOUR_S: Final = 3600
_MONTH_H: Final = 730
_POLICY: Final = "anything"
_HANDSHAKE_BYTES: Final = 6 * 60
"""Of TCP's own beginning and end: six packets of IPv4 20, TCP 20, options 20."""


class KeepAlive(msgspec.Struct, frozen=True, kw_only=True):
    """What an idle connection costs at one interval.

    Attributes:
        keep_alive_s: The interval.
        bytes_per_hour: On the wire, both ways.
        mb_per_month: Same, of 730 hours, in 10^6 bytes.
    """

    keep_alive_s: int
    bytes_per_hour: int
    mb_per_month: float


class IdleTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """All bytes are on the wire, both ways, headers reckoned.

    Attributes:
        connect_bytes: TCP and TLS handshakes, CONNECT, SUBSCRIBE and their answers.
        ping_bytes: One keep-alive ping with its answer.
        publish_overhead_bytes: One publish with its acknowledgement, less its payload.
        idle: By keep-alive interval.
        passed: Whether a ping was seen.
    """

    connect_bytes: int
    ping_bytes: int
    publish_overhead_bytes: int
    idle: list[KeepAlive]
    passed: bool


def run() -> IdleTraffic:
    """Measures; takes about half a minute, nearly all of it waiting."""
    with tempfile.TemporaryDirectory() as name, MiniStack(Path(name) / "stack") as stack:
        stack.wait()
        config = _identity(stack, Path(name))
        with CountingProxy(stack.endpoint.mqtt_port) as proxy:
            return _measure(proxy, msgspec.structs.replace(config, port=proxy.port))


def _measure(proxy: CountingProxy, config: UplinkConfig) -> IdleTraffic:
    uplink = Mqtt5Uplink(config, client_id=GATEWAY)
    uplink.connect({stored_topic(GATEWAY): lambda _: None}, lambda: None)
    try:
        _wait_connected(uplink)
        time.sleep(1.0)
        connect = proxy.passed()
        time.sleep(_PINGS * SHORTEST_S)
        idle = proxy.since(connect)
        publishes = _publish(proxy, uplink)
    finally:
        uplink.close()
    ping = round(idle.wire_bytes / _PINGS)
    return IdleTraffic(
        connect_bytes=connect.wire_bytes + _HANDSHAKE_BYTES,
        ping_bytes=ping,
        publish_overhead_bytes=round(publishes.wire_bytes / _PUBLISHES) - _PAYLOAD_BYTES,
        idle=[_reckon(each, ping) for each in KEEP_ALIVES_S],
        passed=idle.pieces > 0,
    )


def _reckon(keep_alive_s: int, ping_bytes: int) -> KeepAlive:
    hourly = round(_HOUR_S / keep_alive_s * ping_bytes)
    return KeepAlive(keep_alive_s=keep_alive_s, bytes_per_hour=hourly, mb_per_month=round(hourly * _MONTH_H / 1e6, 2))


def _publish(proxy: CountingProxy, uplink: Mqtt5Uplink) -> Passed:
    before = proxy.passed()
    for _ in range(_PUBLISHES):
        uplink.publish(events_topic(GATEWAY, "events", DEFAULT_RULE), b"x" * _PAYLOAD_BYTES).result(timeout=_CONNECT_S)
    return proxy.since(before)


def _wait_connected(uplink: Mqtt5Uplink) -> None:
    deadline = time.monotonic() + _CONNECT_S
    while not uplink.link.connected:
        if time.monotonic() > deadline:
            raise TwinError(f"not connected: {uplink.link.reason}", remedy="run it again alone")
        time.sleep(0.02)


def _identity(stack: MiniStack, folder: Path) -> UplinkConfig:
    clients = Clients(stack.endpoint)
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}
    clients.make("iot").create_policy(policyName=_POLICY, policyDocument=json.dumps(allow))
    files = Provisioner(clients, stack.endpoint, _POLICY).provision(GATEWAY, folder / GATEWAY)
    return UplinkConfig(
        endpoint=LOOPBACK,
        port=stack.endpoint.mqtt_port,
        certificate=str(files.certificate),
        private_key=str(files.private_key),
        ca=str(files.ca),
        keep_alive_s=SHORTEST_S,
    )


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle_traffic", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args(arguments)
    found = run()
    show({"idle_traffic": found}, as_json=options.json)
    return 0 if found.passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
