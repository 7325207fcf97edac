"""A nucleus's IPC server, components made of the unmodified SDK, and nothing else."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from awsiot.greengrasscoreipc import connect
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

from twin.nucleus.broker import Broker, MemoryBroker
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.ipc import NucleusIpc
from twin.nucleus.profile import PROFILES
from twin.nucleus.registry import MemoryRegistry
from twin.nucleus.switchboard import Surroundings

WAIT_S = 15.0
THING = "press-3"
OWN = MemoryBroker()
"""Stands for a broker of each site's own."""


def policy(service: str, operations: list[str], resources: list[str]) -> dict[str, object]:
    """One service's policies, as a recipe has them."""
    names = [operation if operation == "*" else f"aws.greengrass#{operation}" for operation in operations]
    return {service: {f"{service}:1": {"operations": names, "resources": resources}}}


EVERYTHING = {
    **policy("aws.greengrass.ipc.pubsub", ["*"], ["*"]),
    **policy("aws.greengrass.ipc.mqttproxy", ["*"], ["*"]),
    **policy("aws.greengrass.SecretManager", ["*"], ["*"]),
    **policy("aws.greengrass.ShadowManager", ["*"], ["*"]),
    **policy("aws.greengrass.Cli", ["*"], ["*"]),
    **policy("aws.greengrass.ipc.componentmetric", ["*"], ["*"]),
}


class LateBroker(MemoryBroker):
    """Connects when it is told to."""

    def open(self, tell) -> None:
        self.arrive = lambda: super(LateBroker, self).open(tell)


class Site:
    """One nucleus and the components that connected to it; a context manager."""

    def __init__(self, folder: Path, profile_name, secrets: Path | None = None, broker: Broker | None = OWN) -> None:
        self.profile = PROFILES[profile_name]
        self.registry = MemoryRegistry()
        self.broker = MemoryBroker() if broker is OWN else broker
        self.store = ConfigurationStore(folder / "configuration.json", self.profile)
        surroundings = Surroundings(thing_name=THING, broker=self.broker, secrets=secrets)
        self.ipc = NucleusIpc(
            folder / "s", self.registry, profile=self.profile, configuration=self.store, surroundings=surroundings
        )
        self._clients: list[GreengrassCoreIPCClientV2] = []

    def component(self, name: str, access=None, configuration=None) -> GreengrassCoreIPCClientV2:
        token = self.registry.add(name, EVERYTHING if access is None else access)
        self.store.install(self.store.resolve(name, defaults=configuration or {}, ms=1))
        return self.connect(token)

    def connect(self, token: str) -> GreengrassCoreIPCClientV2:
        client = GreengrassCoreIPCClientV2(
            client=connect(ipc_socket=str(self.ipc.path), authtoken=token, timeout=WAIT_S)
        )
        self._clients.append(client)
        return client

    def __enter__(self) -> Self:
        self.ipc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.ipc.close()


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: a socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ipc") as name:
        yield Path(name)


@pytest.fixture(params=["classic", "lite"])
def site(request: pytest.FixtureRequest, folder: Path) -> Iterator[Site]:
    with Site(folder, request.param) as one:
        yield one


@pytest.fixture
def classic(folder: Path) -> Iterator[Site]:
    with Site(folder, "classic") as one:
        yield one


@pytest.fixture
def lite(folder: Path) -> Iterator[Site]:
    with Site(folder, "lite") as one:
        yield one
