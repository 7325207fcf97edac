"""The same script with AWS's own client, its limiter off. Nothing is kept on disk.

python -m bench.peers.awscrt_script PORT CA CERTIFICATE KEY RATE_HZ
"""

import json
import sys
import threading
import time

from awscrt import auth as _auth  # noqa: F401 - awscrt's modules must be loaded before awsiot's builder
from awscrt import http as _http  # noqa: F401 - same
from awscrt import mqtt5
from awsiot import mqtt5_client_builder

from bench.peers.scans import scans


def main(port: str, ca: str, certificate: str, key: str, rate_hz: str) -> None:
    """Publishes until it is ended."""
    connected = threading.Event()
    client = mqtt5_client_builder.mtls_from_path(
        certificate,
        key,
        endpoint="127.0.0.1",
        port=int(port),
        ca_filepath=ca,
        client_id="awscrt-script",
        extended_validation_and_flow_control_options=mqtt5.ExtendedValidationAndFlowControlOptions.NONE,
        on_lifecycle_connection_success=lambda _: connected.set(),
    )
    client.start()
    connected.wait()
    for scan in scans(float(rate_hz)):
        payload = json.dumps({"t": time.time_ns() // 1_000_000, **scan})
        client.publish(mqtt5.PublishPacket(topic="peers/awscrt", payload=payload, qos=mqtt5.QoS.AT_LEAST_ONCE))


if __name__ == "__main__":
    main(*sys.argv[1:])
