"""A gateway with an identity, a broker that takes active certificates only, and the cloud's own rules behind it."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization

from cloud_functions.adapters.memory import MemoryTable
from cloud_functions.adapters.memory_registry import MemoryOrders, MemoryRegistry
from cloud_functions.core.renewal import Asked, Made, Renewal
from contract.certificates import decode_request
from contract.jobs import RotateCertificate
from device_agent.config import GatewayConfig, parse
from device_agent.errors import UplinkError
from device_agent.fleet.identity.keys import FileKeys
from device_agent.fleet.identity.memory import MemoryCloud
from device_agent.fleet.identity.own import own_rotation
from device_agent.fleet.identity.store import CERTIFICATE, store_of
from device_agent.fleet.identity.turn import settle
from device_agent.fleet.port import Interrupted, Outcome, Task
from device_agent.uplink.credentials import certificate_id
from device_agent.uplink.port import Deliver, Link

GATEWAY = "gw-1"
DOCUMENT = """
gateway: gw-1
state_dir: {state}
sensors: [{{type: host, name: host}}]
uplink:
  endpoint: localhost
  certificate: {state}/identity/current/certificate.pem
  private_key: {state}/identity/current/private.key
  ca: {state}/ca.pem
fleet: {{identity: {{try_s: 0.4}}}}
"""


class Cloud:
    """Registry, jobs and desk; it answers at once unless it is told not to."""

    def __init__(self) -> None:
        self._authority = MemoryCloud({})
        self.registry, self.orders = MemoryRegistry(self._sign), MemoryOrders()
        self.renewal = Renewal(MemoryTable(), self.registry, self.orders, lambda: 1)
        self.is_silent, self.asked = False, list[str]()
        self.refuses = set[str]()

    def issue(self, gateway_id: str, request: str) -> str:
        """A first certificate, PEM."""
        made = self._sign(request)
        assert made is not None
        self.registry.put(gateway_id, made.certificate_id)
        return made.pem

    def _sign(self, request: str) -> Made | None:
        if "BEGIN" not in request:
            return None
        certificate = self._authority.signed(request)
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return Made(certificate.fingerprint(hashes.SHA256()).hex(), pem)


class BrokerLink:
    """An uplink that looks at the certificate whenever it is looked at, as the real one does every two seconds.

    Args:
        certificate: Which one counts.
        cloud: What takes it, or not.
        has_one_only: As a nucleus: no connection stands beside the new one.
    """

    def __init__(self, certificate: Callable[[], Path], cloud: Cloud, *, has_one_only: bool = False) -> None:
        self._certificate, self._cloud, self._has_one_only = certificate, cloud, has_one_only
        self._link = Link(connected=False, connects=0, failures=0, reason="")
        self.hear: Mapping[str, Deliver] = {}

    @property
    def link(self) -> Link:
        now = certificate_id(self._certificate())
        taken = now in self._cloud.registry.active and now not in self._cloud.refuses
        if taken:
            self._link = self._link._replace(connected=True, certificate=now)
        elif not taken:
            self._link = self._link._replace(refused=now, reason="NOT_AUTHORIZED")
        gone = self._link.certificate not in self._cloud.registry.active
        if gone or (self._has_one_only and not taken):
            self._link = self._link._replace(connected=False)
        return self._link

    def connect(self, hear: Mapping[str, Deliver], wake: Callable[[], None]) -> None:
        self.hear = hear
        wake()

    def publish(self, topic: str, payload: bytes) -> Future[None]:
        done: Future[None] = Future()
        link = self.link
        if not link.connected:
            done.set_exception(UplinkError("not connected"))
            return done
        done.set_result(None)
        verb: Any = topic.rsplit("/", 1)[1]
        self._cloud.asked.append(verb)
        if not self._cloud.is_silent:
            asked = Asked(GATEWAY, GATEWAY, link.certificate, verb, decode_request(payload))
            self._deliver(topic.rsplit("/", 1)[0], asked)
        return done

    def close(self) -> None:
        pass

    def _deliver(self, topic: str, asked: Asked) -> None:
        answer = msgspec.json.encode(self._cloud.renewal.answer(asked))
        self.hear[topic](answer)
        self.hear[topic](answer)  # at least once


def task_of(
    job: str,
    execution: int = 1,
    *,
    cancelled: threading.Event | None = None,
    stop: threading.Event | None = None,
    told: list[str] | None = None,
) -> Task:
    """What the engine hands over."""
    action, words = RotateCertificate(name="renew"), told if told is not None else []
    return Task(
        job_id=job,
        execution_number=execution,
        step=0,
        action=action,
        cancelled=cancelled or threading.Event(),
        stop=stop or threading.Event(),
        tell=lambda word, _: words.append(word),
        renew=lambda: action,
    )


class Gateway:
    """One that has an identity."""

    def __init__(self, folder: Path, cloud: Cloud, *, is_new: bool = True) -> None:
        self.cloud = cloud
        self.told: list[str] = []
        self.cancelled, self.stop = threading.Event(), threading.Event()
        self.config: GatewayConfig = parse(DOCUMENT.format(state=folder).encode(), source="test")
        self.store = store_of(self.config)
        if is_new:
            self._provision(folder)
        self.first = self.active()

    def _provision(self, folder: Path) -> None:
        request = FileKeys().request(self.store.place("first"), GATEWAY)
        pem = self.cloud.issue(GATEWAY, request)
        self.store.keep("first", CERTIFICATE, pem.encode())
        self.store.activate("first")
        (folder / "ca.pem").write_text(pem)

    def active(self) -> str:
        """Id of the certificate that counts."""
        return certificate_id(self.store.certificate)

    def start(self, job: str, *, again: bool = False, execution: int = 1, ask_s: float = 5.0) -> Outcome:
        """What a process does with the job: a new one if ``again``."""
        settle(self.store)
        uplink = BrokerLink(lambda: self.store.certificate, self.cloud)
        rotation = own_rotation(self.config, uplink, ask_s=ask_s)
        uplink.connect(rotation.hears(), lambda: None)
        task = task_of(job, execution, cancelled=self.cancelled, stop=self.stop, told=self.told)
        assert rotation.refusal(task.action) == ""
        return rotation.resume(task) if again else rotation.perform(task)

    def can_connect(self) -> bool:
        """Whether what counts is taken, by key and certificate."""
        assert self.store.key.exists()
        return self.active() in self.cloud.registry.active


__all__ = ("GATEWAY", "Cloud", "Gateway", "Interrupted")
