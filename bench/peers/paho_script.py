"""A script as many write it: each scan as JSON, published by paho at QoS 1. Nothing is kept on disk.

python -m bench.peers.paho_script PORT CA CERTIFICATE KEY RATE_HZ
"""

import json
import sys
import time

import paho.mqtt.client as mqtt

from bench.peers.scans import scans


def main(port: str, ca: str, certificate: str, key: str, rate_hz: str) -> None:
    """Publishes until it is ended."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho-script", protocol=mqtt.MQTTv5)
    client.tls_set(ca, certificate, key)
    client.max_inflight_messages_set(20)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    for scan in scans(float(rate_hz)):
        client.publish("peers/paho", json.dumps({"t": time.time_ns() // 1_000_000, **scan}), qos=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
