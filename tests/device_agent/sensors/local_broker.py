"""A real broker as a house has one, without or with TLS and passwords, and a device that speaks to it."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from awscrt import mqtt5

from device_agent.sensors.mqtt_link import BrokerConfig
from tests.device_agent.uplink.certificates import Authority
from tests.device_agent.uplink.mosquitto import tool
from twin.ports import LOOPBACK, free_ports

DEADLINE_S = 10.0


class LocalBroker:
    """A mosquitto; it may be stopped and started again on its port, and forgets what it kept.

    Args:
        folder: For its files.
        authority: Whose certificate it shows; ``None`` for no TLS.
        lines: More of its configuration.
    """

    def __init__(
        self, folder: Path, authority: Authority | None = None, *, lines: str = "allow_anonymous true"
    ) -> None:
        self.port = free_ports(1)[0]
        self._log = folder / "mosquitto.log"
        self._document = folder / "mosquitto.conf"
        text = f"listener {self.port} {LOOPBACK}\nuser root\n{lines}\n"
        if authority is not None:
            issued = authority.issue("localhost", stem="broker")
            text += f"certfile {issued.certificate}\nkeyfile {issued.key}\n"
        self._document.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> BrokerConfig:
        return BrokerConfig(host="localhost", port=self.port, timeout_s=2)

    def start(self) -> None:
        command = [tool("mosquitto", "mosquitto"), "-v", "-c", str(self._document)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: "running" in self._log.read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(DEADLINE_S)
            self._process = None

    @contextlib.contextmanager
    def running(self) -> Iterator["LocalBroker"]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    @contextlib.contextmanager
    def device(self) -> Iterator["Device"]:
        device = Device(self.port)
        try:
            yield device
        finally:
            device.close()


class Device:
    """Something that publishes."""

    def __init__(self, port: int) -> None:
        self._up, self._down = threading.Event(), threading.Event()
        self._client = mqtt5.Client(
            mqtt5.ClientOptions(
                host_name="localhost",
                port=port,
                disable_metrics=True,
                on_lifecycle_event_connection_success_fn=lambda _data: self._up.set(),
                on_lifecycle_event_stopped_fn=lambda _data: self._down.set(),
            )
        )
        self._client.start()
        assert self._up.wait(DEADLINE_S)

    def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Returns when the broker has it."""
        packet = mqtt5.PublishPacket(topic=topic, payload=payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=retain)
        self._client.publish(packet).result(DEADLINE_S)

    def close(self) -> None:
        self._client.stop()
        assert self._down.wait(DEADLINE_S)


def wait_until(holds: object) -> None:
    """Until a call returns something true."""
    assert callable(holds)
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
