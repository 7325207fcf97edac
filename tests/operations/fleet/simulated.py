"""Gateways that answer jobs as told, by the devices' own API, and say how they are: a fleet in one thread."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Self

import msgspec

from contract.codec import encode_envelope
from contract.topics import events_topic
from tests.cloud_functions.make import envelope, episode, health
from twin.cloud import Deployment

Conduct = Literal["good", "refuses", "false alarms", "silent"]
_POLL_S = 0.2


class Told(NamedTuple):
    """One job that a gateway was given."""

    name: str
    version: str
    url: str


class SimulatedFleet:
    """A context manager; leaving it ends the thread.

    Args:
        deployment: Of the local cloud.
        names: Their names; things are created.
        conduct: How a gateway takes a version.
    """

    def __init__(self, deployment: Deployment, names: list[str], conduct: Callable[[str, str], Conduct]) -> None:
        self._deployment = deployment
        self._jobs = deployment.clients.make("iot-jobs-data")
        self._data = deployment.clients.make("iot-data")
        self._conduct = conduct
        self._began = time.monotonic()
        self._seq = dict.fromkeys(names, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-fleet", daemon=True)
        self.names = names
        self.versions = dict.fromkeys(names, "1.0.0")
        self.told: list[Told] = []
        iot = deployment.clients.make("iot")
        for name in names:
            iot.create_thing(thingName=name)

    def __enter__(self) -> Self:
        self._say()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        said = time.monotonic()
        while not self._stop.wait(_POLL_S):
            for name in self.names:
                self._work(name)
            if time.monotonic() - said > 1.0:
                said = time.monotonic()
                self._say()

    def _work(self, name: str) -> None:
        execution = self._jobs.start_next_pending_job_execution(thingName=name).get("execution")
        if not execution:
            return
        asked = json.loads(execution["jobDocument"])["steps"][0]["action"]["input"]
        self.told.append(Told(name, asked["version"], asked["url"]))
        conduct = self._conduct(name, asked["version"])
        answer: dict[str, Any] = {"status": "SUCCEEDED"}
        if conduct == "refuses":
            answer = {"status": "FAILED", "statusDetails": {"reason": "probe: no samples"}}
        else:
            self.versions[name] = asked["version"]
        self._jobs.update_job_execution(jobId=execution["jobId"], thingName=name, **answer)

    def _say(self) -> None:
        for name in self.names:
            conduct = self._conduct(name, self.versions[name])
            if conduct == "silent":
                continue
            now_ms = time.time_ns() // 1_000_000
            up_ms = int((time.monotonic() - self._began) * 1000) + 60_000
            events: list[Any] = [msgspec.structs.replace(health(wall_ms=now_ms, interval_ms=1000), uptime_ms=up_ms)]
            if conduct == "false alarms":
                events += [episode(onset=now_ms + i, episode_id=f"{name}.host.boot.{now_ms + i}") for i in range(3)]
            payload = encode_envelope(envelope(self._seq[name] + 1, *events, gateway_id=name))
            self._seq[name] += len(events)
            self._data.publish(topic=events_topic(name, "events"), qos=1, payload=payload)
