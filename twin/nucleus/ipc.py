"""A nucleus's IPC server: a Unix socket that the unmodified SDK talks to.

```
component ══ Unix socket ══▶ Door ─▶ Session ──▶ services: pubsub, mqttproxy, configuration, updates, state, …
                                                       │            │
                                                    Registry      Broker
```
Everything runs on one thread of its own; every method here may be called from any other.
Not here: the socket and its sessions (``door``), processes and deployments (the registry's), IoT Core (the broker's).
"""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from twin.errors import TwinError
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.door import Door
from twin.nucleus.faults import Faults
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Body, Registry
from twin.nucleus.session import Desk
from twin.nucleus.switchboard import Surroundings, Switchboard
from twin.nucleus.trees import KeyPath

_ANSWER_S: Final = 10.0
T = TypeVar("T")


class NucleusIpc:
    """The server; a context manager that starts and closes it.

    Args:
        path: Of the socket.
        registry: Components and their tokens.
        profile: Which nucleus it is.
        configuration: What components are configured with.
        surroundings: The rest of the device.

    Attributes:
        path: Of the socket.
        faults: What is to go wrong.
    """

    def __init__(
        self,
        path: Path,
        registry: Registry,
        *,
        profile: Profile,
        configuration: ConfigurationStore,
        surroundings: Surroundings | None = None,
    ) -> None:
        self.path = path
        self.faults = Faults()
        self._surroundings = surroundings or Surroundings()
        self._loop = asyncio.new_event_loop()
        self._board = Switchboard(registry, configuration, profile=profile, around=self._surroundings, loop=self._loop)
        self._losses: Counter[str] = Counter()
        self._door = Door(path, Desk(profile, registry, self.faults, self._board.handlers(), self._losses))
        self._is_open = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="nucleus-ipc", daemon=True)

    @property
    def connections(self) -> int:
        """Handshakes accepted so far."""
        return self._door.connections

    @property
    def refused(self) -> int:
        """Handshakes refused so far."""
        return self._door.refused

    @property
    def subscribed(self) -> int:
        """Subscriptions that stand now."""
        return self._do(self._door.standing)

    @property
    def spooled_bytes(self) -> int:
        """Payload that waits for IoT Core."""
        return self._board.proxy.spooled_bytes

    @property
    def is_online(self) -> bool:
        """Whether IoT Core is connected."""
        return self._board.proxy.is_online

    @property
    def losses(self) -> dict[str, int]:
        """What was lost without a word so far.

        ``events`` that could not go out to a component, messages of IoT Core that were ``too_large`` for lite, and
        messages to it that classic took and has ``given_up``.
        """
        proxy = self._board.proxy
        return {"events": self._losses["events"], "too_large": proxy.too_large, "given_up": proxy.given_up}

    def open(self) -> None:
        """Starts the thread and the connection to IoT Core; the socket is not there yet."""
        if not self._is_open:
            self._is_open = True
            self._thread.start()
            self.go_online()

    def start(self) -> None:
        """The socket is there, a new one each time.

        Raises:
            TwinError: It cannot be made.
        """
        self.open()
        self._run(self._door.open())

    def stop(self) -> None:
        """The socket goes, every connection breaks, nobody is let in; ``start`` brings it back."""
        if self._is_open:
            self._run(self._door.shut())

    def close(self) -> None:
        """Ends everything; a second call does nothing."""
        if not self._is_open:
            return
        self.stop()
        self._is_open = False
        self.go_offline()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._board.close()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pre_update(self, deployment_id: str, *, is_restarting: bool = False, timeout_s: float = 60.0) -> int:
        """Tells components that a deployment begins and waits for their answers.

        Returns:
            Milliseconds until they want to be asked again; 0 where it may go ahead. Always 0 on the lite nucleus.
        """
        asking = self._board.updates.ask(deployment_id, is_restarting=is_restarting, timeout_s=timeout_s)
        return self._run(asking, timeout_s + _ANSWER_S)

    def post_update(self, deployment_id: str) -> None:
        """Tells components that the deployment is over."""
        self._do(lambda: self._board.updates.tell_done(deployment_id))

    def validate(
        self, configurations: Mapping[str, Body], deployment_id: str, *, timeout_s: float = 20.0
    ) -> dict[str, str]:
        """Has components judge what is to be their configuration.

        Returns:
            The reason by component that rejected it or did not answer.
        """
        judging = self._board.configuration.validate(configurations, deployment_id, timeout_s)
        return self._run(judging, timeout_s + _ANSWER_S)

    def configuration_changed(self, component: str, key_path: KeyPath) -> None:
        """Tells who watches that place that it changed; the store's ``install`` says what did."""
        self._do(lambda: self._board.configuration.changed(component, key_path))

    def drop_subscriptions(self, component: str = "", *, operation: str = "") -> int:
        """Subscriptions die without a word; connections stay. Returns how many.

        Args:
            component: Only of this one.
            operation: Only these, e.g. ``SubscribeToIoTCore``, which a nucleus is known to lose.
        """
        return self._do(lambda: self._door.drop(component, operation))

    def end_subscriptions(self) -> None:
        """Every subscription is ended by the nucleus, which says so; connections stay."""
        self._do(self._door.end_subscriptions)

    def go_offline(self) -> None:
        """IoT Core is out of reach."""
        if self._surroundings.broker is not None:
            self._surroundings.broker.close()

    def go_online(self) -> None:
        """IoT Core is within reach again."""
        if self._surroundings.broker is not None:
            self._surroundings.broker.open(self._tell_online)

    def _tell_online(self, online: bool) -> None:  # noqa: FBT001 - the port's one value
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(lambda: self._board.proxy.set_online(online=online))

    def _do(self, what: Callable[[], T]) -> T:
        return self._run(_call(what))

    def _run(self, work: Coroutine[Any, Any, T], timeout_s: float = _ANSWER_S) -> T:
        if not self._is_open:
            work.close()
            raise TwinError("the nucleus's IPC server is closed", remedy="start it")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)


async def _call(do: Callable[[], T]) -> T:
    return do()
