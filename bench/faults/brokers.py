"""A broker that dies with messages that it had acknowledged.

The twin's own broker cannot die alone, so a mosquitto stands before it:

```
agent ──▶ mosquitto ──▶ collector ──▶ the twin's queue ─▶ ingest ─▶ table
      ◀──           ◀── collector ◀── fleet/<gateway>/stored ◀──┘
```
The collector is what AWS IoT's rule and message broker are otherwise. While it is away mosquitto acknowledges and
keeps for it; killed then, it has forgotten all of that.
"""

import base64
import json
import queue
import threading
from pathlib import Path
from typing import Final, Self

import msgspec

from bench.faults.clouds import Cloud
from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms
from bench.mosquitto import Mosquitto
from bench.tls_proxy import Authority
from contract.events import Lane
from contract.topics import stored_topic
from device_agent.config import UplinkConfig
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles

_RESTARTS: Final = 4
_EVERYTHING: Final = "$aws/rules/+/fleet/+/events/+"
_POLL_S: Final = 0.2
_CONNECT_S: Final = 20.0
_AWAY_S: Final = 1.5
_DOWN_S: Final = 2.0


class _Head(msgspec.Struct, frozen=True):
    lane: Lane


class Collector:
    """Carries envelopes from one broker to the twin's queue, and the cloud's answers back. A context manager.

    Args:
        gateway_id: Whose.
        cloud: Of the twin.
        near: How to reach mosquitto, as ``collector``.
        far: How to reach the twin's broker, as the gateway.

    Attributes:
        carried: Envelopes that came through.
    """

    def __init__(self, gateway_id: str, cloud: Cloud, *, near: UplinkConfig, far: UplinkConfig) -> None:
        self.carried = 0
        self._gateway_id, self._cloud, self._near_config = gateway_id, cloud, near
        self._near: Mqtt5Uplink | None = None
        self._far = Mqtt5Uplink(far, client_id=gateway_id)
        self._came: queue.Queue[bytes] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="collector", daemon=True)

    def join(self) -> None:
        """Comes to mosquitto."""
        self._near = Mqtt5Uplink(self._near_config, client_id="collector")
        self._near.connect({_EVERYTHING: self._came.put}, lambda: None)

    def leave(self) -> None:
        """Goes; its session stays, and mosquitto keeps for it what comes."""
        near, self._near = self._near, None
        if near is not None:
            near.close()

    @property
    def is_there(self) -> bool:
        """Whether both ways are open."""
        return self._near is not None and self._near.link.connected and self._far.link.connected

    def _carry(self) -> None:
        while not (self._stop.is_set() and self._came.empty()):
            try:
                payload = self._came.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            self._cloud.send([_as_the_rule_does(self._gateway_id, payload)])
            self.carried += 1

    def _answer(self, payload: bytes) -> None:
        if self._near is not None:  # an answer to nobody is repeated with the next batch
            self._near.publish(stored_topic(self._gateway_id), payload)

    def __enter__(self) -> Self:
        self._far.connect({stored_topic(self._gateway_id): self._answer}, lambda: None)
        self._thread.start()
        self.join()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self._stop.set()
        self._thread.join(_CONNECT_S)
        self._far.close()


def broker_restart(stage: Stage) -> Row:
    """The broker is killed with messages that it had acknowledged, and comes back knowing nothing."""
    ended, restarts = list[int](), stage.times(_RESTARTS)
    authority = Authority(stage.folder / "authority")
    with Scene(stage) as scene, Mosquitto(stage.folder / "broker", authority) as broker:
        with _collector(stage, scene, authority, broker.port) as collector:
            scene.until(lambda: collector.is_there, _CONNECT_S, "the collector did not connect")
            scene.go()
            for _ in range(restarts):
                _forget_and_restart(scene, broker, collector)
                ended.append(now_ms())
                scene.work(7.0)
            status = scene.station.agent_status()
            resent = status.resent if status else 0
            scene.settle()
        return scene.row(
            injected=restarts,
            promise="what a broker acknowledged and forgot is sent again; in use 5 s after it is back",
            ended_ms=ended,
            note=f"{resent} messages sent again; {collector.carried} came through",
            broken=[] if resent else ["the broker had forgotten nothing: nothing was proved"],
        )


def _forget_and_restart(scene: Scene, broker: Mosquitto, collector: Collector) -> None:
    collector.leave()
    scene.work(_AWAY_S)
    broker.kill()
    scene.work(_DOWN_S)
    broker.start()
    collector.join()


def _collector(stage: Stage, scene: Scene, authority: Authority, port: int) -> Collector:
    """With the gateway's document leading to mosquitto."""
    gateway_id, rule = scene.station.config.gateway, stage.deployment.outputs.rule_name
    real = stage.deployment.provisioner().provision(gateway_id, stage.folder / "real")
    device = _issued(authority, gateway_id, stage.folder / "device")
    scene.station.reach(device, port=port, rule=rule, linger_s=0.2)
    near = _reach(_issued(authority, "collector", stage.folder / "collector"), port)
    far = _reach(real, stage.deployment.endpoint.mqtt_port)
    return Collector(gateway_id, Cloud(stage), near=near, far=far)


def _issued(authority: Authority, name: str, folder: Path) -> DeviceFiles:
    folder.mkdir()
    device = DeviceFiles(certificate=folder / "certificate.pem", private_key=folder / "private.key", ca=authority.ca)
    authority.issue(name, device.certificate, device.private_key, seconds=3600)
    return device


def _reach(device: DeviceFiles, port: int) -> UplinkConfig:
    return UplinkConfig(
        endpoint=LOOPBACK,
        port=port,
        certificate=str(device.certificate),
        private_key=str(device.private_key),
        ca=str(device.ca),
    )


def _as_the_rule_does(gateway_id: str, payload: bytes) -> str:
    lane = msgspec.json.decode(payload, type=_Head).lane
    data = base64.b64encode(payload).decode()
    return json.dumps(
        {"data": data, "gateway_id": gateway_id, "lane": lane, "client_id": gateway_id, "broker_ms": now_ms()}
    )
