"""Every operation of a nucleus, and the service that answers it: the one place where they are put together."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from twin.nucleus.broker import Broker
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.guard import Guard, Variables
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Registry
from twin.nucleus.services.configuration import Configuration
from twin.nucleus.services.deployments import Deployments
from twin.nucleus.services.metrics import Metrics
from twin.nucleus.services.mqttproxy import MqttProxy
from twin.nucleus.services.pubsub import PubSub
from twin.nucleus.services.secrets import Secrets
from twin.nucleus.services.shadows import Shadows
from twin.nucleus.services.state import State
from twin.nucleus.services.updates import Updates
from twin.nucleus.streams import Handler, Service

_WORKERS: Final = 4


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a nucleus has beside its components.

    Attributes:
        thing_name: Of the device.
        broker: IoT Core; None where the device is not provisioned.
        secrets: File of secrets (``services.secrets``); None where there is no secret manager.
        shadows: File that shadows are kept in; None keeps them in memory.
    """

    thing_name: str = ""
    broker: Broker | None = None
    secrets: Path | None = None
    shadows: Path | None = None


class Switchboard:
    """Args: components, their configuration, whose rules apply, the rest of the device, and the server's loop.

    Attributes:
        updates: Component updates and their deferral.
        configuration: Configuration over IPC.
        proxy: IoT Core.
    """

    def __init__(
        self,
        registry: Registry,
        configuration: ConfigurationStore,
        *,
        profile: Profile,
        around: Surroundings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        guard = Guard(registry, profile, Variables(around.thing_name, configuration))
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="nucleus-action")
        self.updates = Updates()
        self.configuration = Configuration(configuration, profile)
        self.proxy = MqttProxy(guard, profile, broker=around.broker, loop=loop)
        self._services: list[Service] = [
            PubSub(guard, profile),
            self.proxy,
            self.configuration,
            self.updates,
            State(registry, profile),
            Metrics(guard),
            Shadows(guard, around.shadows),
            Deployments(guard, registry, profile=profile, workers=self._workers),
        ]
        if around.secrets is not None:
            self._services.append(Secrets(guard, around.secrets))

    def handlers(self) -> Mapping[str, Handler]:
        """What answers each operation, by its name without prefix."""
        return {name: handler for service in self._services for name, handler in service.handlers().items()}

    def close(self) -> None:
        """Ends its threads."""
        self._workers.shutdown(wait=False, cancel_futures=True)
