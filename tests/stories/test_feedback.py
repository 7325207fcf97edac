"""A person calls an episode a false alarm while its gateway is away; back again, the gateway heeds it."""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from contract.events import Episode
from contract.health import Health
from contract.kinds import AnyEvent
from device_agent.agent import Agent
from device_agent.clock import SystemClock
from device_agent.condense.notes import MemoryNotes
from device_agent.config import FilterConfig, GatewayConfig, UplinkConfig
from device_agent.feedback.store import FEEDBACK_FILE, FileFeedback
from device_agent.feedback.view import FeedbackView
from device_agent.filters.model import LevelModel
from device_agent.filters.store import MemoryCalibrations
from device_agent.identity import Identity
from device_agent.pipeline import SensorPipeline
from device_agent.sensor_memory import Memory
from device_agent.sensors.drivers import HostSensor
from device_agent.sensors.port import Channel, Scan
from device_agent.spool.opening import open_spool
from device_agent.spool.sqlite import SqliteSpool
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from twin.cloud import Deployment, LocalCloud

CHANNELS = (Channel(name="temperature", unit="°C", resolution=0.01, floor=0.5),)
BOOT = "b" * 32
DEADLINE_S = 40.0
MINUTE = 600


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud.start()
        cloud.check()


def _until(wanted: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not (seen := wanted()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        time.sleep(0.05)
    return seen


class Gateway:
    """One that senses what it is given, spools it, and is connected only when it is told to be."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self.name = f"gw-{uuid.uuid4().hex[:8]}"
        identity = deployment.provisioner().provision(self.name, folder / "identity")
        uplink = UplinkConfig(
            endpoint="localhost",
            port=deployment.endpoint.mqtt_port,
            certificate=str(identity.certificate),
            private_key=str(identity.private_key),
            ca=str(identity.ca),
            linger_s=0.1,
        )
        self.config = GatewayConfig(
            gateway=self.name,
            state_dir=str(folder / "state"),
            sensors=[HostSensor(name="press")],
            filter=FilterConfig(calibration_scans=256),
            uplink=uplink,
        )
        self.store = FileFeedback(folder / "state" / FEEDBACK_FILE)
        self._view = FeedbackView(self.store)
        memory = Memory(MemoryCalibrations(), MemoryNotes())
        model, identified = LevelModel.load(None, 1), Identity(self.name, BOOT)
        self._pipeline = SensorPipeline(
            "press", CHANNELS, 10.0, self.config, identified, model, memory=memory, feedback=self._view
        )
        self._folder, self._backend = folder, deployment.backend()
        self._start_ms, self._seq = time.time_ns() // 1_000_000 - 600_000, 0

    def sense(self, *, warmer: float) -> list[Episode]:
        """A minute of scans, ten seconds of it so much warmer; all goes into the spool."""
        values = np.random.default_rng(self._seq).normal(40, 0.1, MINUTE)
        values[200:300] += warmer
        self._view.look()
        events: list[AnyEvent] = []
        for value in values:
            wall_ms = self._start_ms + self._seq * 100
            events += self._pipeline.push(Scan(self._seq, wall_ms, self._seq * 100_000_000, (float(value),), {}))
            self._seq += 1
        self.append([event for event in events if isinstance(event, Episode)])
        return [event for event in events if isinstance(event, Episode)]

    def say_health(self) -> None:
        """As the sensing process does once a minute."""
        now_ms = time.time_ns() // 1_000_000
        version = self._view.present.version
        times = {"wall_ms": now_ms, "monotonic_ms": 1, "uptime_ms": 1, "interval_ms": 60_000}
        self.append([Health(version="1", sensors={}, feedback_version=version, **times)])

    def append(self, events: list[Any]) -> None:
        with self._spool() as spool:
            spool.append(BOOT, events)

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        stop = threading.Event()
        with self._spool() as spool:
            agent = Agent(self.config, spool, Mqtt5Uplink(self.config.uplink, client_id=self.name), clock=SystemClock())
            worker = threading.Thread(target=agent.run, args=(stop, self._folder / "agent-status.json"))
            worker.start()
            yield
            stop.set()
            worker.join(DEADLINE_S)

    def detail(self) -> Any:
        return json.loads(self._backend.api(f"/api/gateways/{self.name}?minutes=60").body)

    def label(self, episode_id: str, label: str) -> Any:
        path = f"/api/gateways/{self.name}/episodes/{quote(episode_id, safe='')}/label"
        answer = self._backend.tell(path, json.dumps({"label": label}).encode())
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def _spool(self) -> contextlib.closing[SqliteSpool]:
        return contextlib.closing(open_spool(self.config, "hardware"))


@pytest.mark.story
def test_a_false_alarm_called_so_while_the_gateway_is_away_is_not_told_again(
    deployment: Deployment, tmp_path: Path
) -> None:
    gateway = Gateway(deployment, tmp_path)
    assert gateway.sense(warmer=0.0) == []
    before = gateway.sense(warmer=3.0)
    assert before[-1].phase == "closed"
    assert before[-1].peak_score < 1.8
    gateway.say_health()
    with gateway.connected():
        (episode,) = _until(lambda: [one for one in gateway.detail().get("episodes", []) if one["phase"] == "closed"])

    assert gateway.label(episode["episode_id"], "false")["by"] == "anonymous"
    gateway.say_health()
    with gateway.connected():
        kept = _until(lambda: gateway.store.load() if gateway.store.load().version else None)
    assert [(one.sensor, one.channel) for one in kept.thresholds] == [("press", "temperature")]

    assert gateway.sense(warmer=3.0) == []
    assert gateway.sense(warmer=8.0)[-1].raised > 1.0
    gateway.say_health()
    with gateway.connected():
        heeded = _until(lambda: (detail := gateway.detail())["feedback"]["heard_version"] == 1 and detail)
    assert heeded["labels"][0]["label"] == "false"
