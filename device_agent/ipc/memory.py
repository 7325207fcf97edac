"""A nucleus in memory, and clients of it: for tests and rehearsals.

``MemoryHost`` is what all components of a machine share; it keeps the same rules as a real one: it may be away, refuse
a token, lack operations, refuse a request. Every request is noted, in order.
Not here: authorisation by recipe, deployments (``twin.nucleus``).
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import LostError, NotFoundError, NucleusError, nucleus_error
from device_agent.ipc.memory_subscription import MemorySubscription
from device_agent.ipc.port import CLOSE_S, A, E, Reached

LITE_LACKS: frozenset[type[ops.Request[Any]]] = frozenset(
    {
        ops.SubscribeToComponentUpdates,
        ops.DeferComponentUpdate,
        ops.SubscribeToValidateConfigurationUpdates,
        ops.SendConfigurationValidityReport,
        ops.GetSecretValue,
    }
)
"""What the lite nucleus 2.6 does not know."""


@dataclass
class MemoryHost:
    """A machine with a nucleus.

    Attributes:
        lacks: Operations it does not know.
        refuses: Decides whether a component's request fails, and with what.
        denies: Whether tokens are refused.
        configuration: By component.
        secrets: By id.
        requests: Everything asked, with who asked.
    """

    lacks: frozenset[type[ops.Request[Any]]] = frozenset()
    refuses: Callable[[str, ops.Request[Any]], NucleusError | None] = lambda *_: None
    denies: bool = False
    configuration: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, ops.Request[Any]]] = field(default_factory=list)
    _is_up: bool = True
    _clients: list["MemoryNucleus"] = field(default_factory=list)
    _mutex: threading.RLock = field(default_factory=threading.RLock)

    def stop(self) -> None:
        """The server goes: every connection ends."""
        with self._mutex:
            self._is_up = False
            for client in self._clients:
                client.lose("the nucleus went")

    def start(self) -> None:
        """It is back, and so is everybody."""
        with self._mutex:
            self._is_up = True
            for client in list(self._clients):
                client.gain()

    def say(self, topic: str, payload: bytes) -> None:
        """A message from IoT Core."""
        self._tell(ops.SubscribeToIoTCore, ops.IoTCoreMessage(topic, payload), lambda sub: sub.covers(topic))

    def configure(self, component: str, value: dict[str, Any]) -> None:
        """A component's configuration is another now."""
        self.configuration[component] = value
        event = ops.ConfigurationUpdate(component)
        self._tell(ops.SubscribeToConfigurationUpdate, event, lambda sub: sub.wanted == component)

    def validate(self, component: str, event: ops.ValidateConfiguration) -> None:
        """A deployment asks the component about a configuration."""
        self._tell(ops.SubscribeToValidateConfigurationUpdates, event, lambda sub: sub.component == component)

    def update(self, event: ops.ComponentUpdate) -> None:
        """A deployment begins or has ended."""
        self._tell(ops.SubscribeToComponentUpdates, event, lambda _: True)

    def join(self, client: "MemoryNucleus") -> None:
        """A client begins to connect."""
        with self._mutex:
            self._clients.append(client)
            client.gain()

    def leave(self, client: "MemoryNucleus") -> None:
        """A client goes for good."""
        with self._mutex:
            if client in self._clients:
                self._clients.remove(client)

    def check(self, component: str, request: ops.Request[Any]) -> NucleusError | None:
        """Notes a request; what it fails with."""
        with self._mutex:
            if not self._is_up:
                return LostError(f"{request.operation}: not connected to the nucleus")
            self.requests.append((component, request))
        if type(request) in self.lacks:
            return nucleus_error(request, error="", message="")
        return self.refuses(component, request)

    def answer(self, component: str, request: ops.Request[Any]) -> ops.Answer:
        """Does what was asked."""
        match request:
            case ops.PublishToTopic(topic=topic, message=message):
                said = ops.TopicMessage(topic, message)
                self._tell(ops.SubscribeToTopic, said, lambda sub: sub.hears(topic, of=component))
            case ops.GetConfiguration():
                return self._read(request.component_name or component, request.key_path)
            case ops.UpdateConfiguration():
                self._merge(component, request)
            case ops.GetSecretValue(secret_id=secret_id):
                if secret_id not in self.secrets:
                    raise NotFoundError(f"GetSecretValue on {secret_id}: no such secret")
                return ops.Secret(secret_id, "1", self.secrets[secret_id])
        return ops.Answer()

    @property
    def is_up(self) -> bool:
        """Whether it can be reached."""
        return self._is_up

    def _read(self, component: str, path: tuple[str, ...]) -> ops.Configuration:
        value: Any = self.configuration.get(component, {})
        for key in path:
            if not isinstance(value, dict) or key not in value:
                raise NotFoundError(f"GetConfiguration on {component}: no key {'/'.join(path)}")
            value = value[key]
        return ops.Configuration(component, value if isinstance(value, dict) else {path[-1]: value})

    def _merge(self, component: str, request: ops.UpdateConfiguration) -> None:
        place = self.configuration.setdefault(component, {})
        for key in request.key_path:
            place = place.setdefault(key, {})
        _merge(place, request.value_to_merge)
        event = ops.ConfigurationUpdate(component, request.key_path)
        self._tell(ops.SubscribeToConfigurationUpdate, event, lambda sub: sub.wanted == component)

    def _tell(self, kind: type, event: ops.Event, wanted: Callable[[MemorySubscription], bool]) -> None:
        with self._mutex:
            for client in self._clients:
                for each in client.subscriptions:
                    if isinstance(each.request, kind) and each.stands and wanted(each):
                        each.hearing.put(event)


class MemoryNucleus:
    """See ``device_agent.ipc.port.Nucleus``: one component of a host."""

    def __init__(
        self, host: MemoryHost, component: str = "io.thresher.Test", *, on_denied: Callable[[], None] = lambda: None
    ) -> None:
        self.host = host
        self.component = component
        self.subscriptions: list[MemorySubscription] = []
        self._on_denied = on_denied
        self._tellers: list[Callable[[Reached], None]] = []
        self._reached: Reached | None = None
        self._connected = False
        self._forgotten = 0

    @property
    def unheard(self) -> int:
        """See ``Nucleus``."""
        return self._forgotten + sum(each.unheard for each in self.subscriptions)

    def open(self, tell: Callable[[Reached], None]) -> None:
        """See ``Nucleus``."""
        self._tellers.append(tell)
        if self._reached is None:
            self.host.join(self)
        else:
            tell(self._reached)

    def call(self, request: ops.Request[A]) -> Future[A]:
        """See ``Nucleus``."""
        future: Future[Any] = Future()
        try:
            if not self._connected:
                raise LostError(f"{request.operation}: not connected to the nucleus")
            if (error := self.host.check(self.component, request)) is not None:
                raise error
            future.set_result(self.host.answer(self.component, request))
        except NucleusError as exc:
            future.set_exception(exc)
        return future

    def subscribe(self, request: ops.StreamRequest[E], hear: Callable[[E], None]) -> MemorySubscription:
        """See ``Nucleus``."""
        subscription = MemorySubscription(self.component, request, hear=hear, forget=self._forget)
        self.subscriptions = [*self.subscriptions, subscription]
        if self._connected:
            subscription.begin(self.host.check(self.component, request))
        return subscription

    def _forget(self, subscription: MemorySubscription) -> None:
        """It was closed."""
        if subscription in self.subscriptions:
            self._forgotten += subscription.unheard
            self.subscriptions = [each for each in self.subscriptions if each is not subscription]

    def close(self) -> None:
        """See ``Nucleus``."""
        self.host.leave(self)
        self._connected = False
        closing = self.subscriptions
        for each in closing:
            each.close()
        for each in closing:
            each.hearing.join(CLOSE_S)

    def gain(self) -> None:
        """The nucleus can be reached."""
        if self.host.denies:
            self.host.leave(self)
            self._tell(Reached(connected=False, reason="the nucleus refused our token"))
            self._on_denied()
            return
        if not self.host.is_up:
            self._tell(Reached(connected=False, reason="nucleus: nobody listens"))
            return
        self._connected = True
        for each in self.subscriptions:
            each.begin(self.host.check(self.component, each.request))
        self._tell(Reached(connected=True, reason=""))

    def lose(self, reason: str) -> None:
        """The connection is gone."""
        self._connected = False
        for each in self.subscriptions:
            each.stands = False
        self._tell(Reached(connected=False, reason=reason))

    def _tell(self, reached: Reached) -> None:
        self._reached = reached
        for tell in self._tellers:
            tell(reached)


def _merge(place: dict[str, Any], value: dict[str, Any]) -> None:
    for key, each in value.items():
        if isinstance(each, dict) and isinstance(place.get(key), dict):
            _merge(place[key], each)
        else:
            place[key] = each
