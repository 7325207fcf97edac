"""A client and the nucleus it talks to: in memory, and each wire against the emulator, under both profiles."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import nucleus_error
from device_agent.ipc.kept import KeptNucleus
from device_agent.ipc.memory import LITE_LACKS, MemoryHost, MemoryNucleus
from device_agent.ipc.port import Nucleus, Reached
from device_agent.ipc.sdk import SdkWire
from device_agent.ipc.thin import ThinWire
from twin.nucleus.broker import MemoryBroker
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.ipc import NucleusIpc
from twin.nucleus.profile import PROFILES
from twin.nucleus.registry import MemoryRegistry
from twin.nucleus.switchboard import Surroundings

WAIT_S = 20.0
COMPONENT = "io.thresher.Test"
CONFIGURATION: dict[str, Any] = {"rate": 5, "uplink": {"type": "greengrass"}}
GRANTED = ["t", "t/*", "full"]
WIRES: dict[str, Any] = {"sdk": SdkWire, "thin": ThinWire}


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Scene:
    """One client, its nucleus, and what was told."""

    def __init__(self, nucleus: Nucleus, denials: list[None], *, is_lite: bool) -> None:
        self.nucleus = nucleus
        self._denials = denials
        self.is_lite = is_lite
        self.told: list[Reached] = []

    def open(self) -> None:
        self.nucleus.open(self.told.append)
        until(lambda: self.connects == 1)

    @property
    def denied(self) -> int:
        return len(self._denials)

    @property
    def connects(self) -> int:
        return sum(each.connected for each in self.told)

    def restart(self) -> None:
        before = self.connects
        self.stop()
        until(lambda: not self.told[-1].connected)
        self.start()
        until(lambda: self.connects > before)

    def ask(self, request: ops.Request[Any]) -> Any:
        return self.nucleus.call(request).result(WAIT_S)

    stop: Callable[[], None]
    start: Callable[[], None]
    deny: Callable[[], None]
    say: Callable[[str, bytes], None]


class InMemory(Scene):
    def __init__(self, profile: str) -> None:
        self.host = MemoryHost(lacks=LITE_LACKS if profile == "lite" else frozenset())
        self.host.refuses = lambda _, asked: (
            nucleus_error(asked, error="UnauthorizedError", message="") if asked.subject == "forbidden" else None
        )
        self.host.configuration[COMPONENT] = dict(CONFIGURATION)
        self.host.secrets["key"] = b"value"
        denials: list[None] = []
        nucleus = MemoryNucleus(self.host, COMPONENT, on_denied=lambda: denials.append(None))
        super().__init__(nucleus, denials, is_lite=profile == "lite")
        self.stop, self.start, self.say = self.host.stop, self.host.start, self.host.say

    def deny(self) -> None:
        self.host.denies = True

    def update(self) -> int:
        """A deployment that asks before it begins; what was answered."""
        self.host.update(ops.ComponentUpdate("d"))
        until(lambda: any(isinstance(asked, ops.DeferComponentUpdate) for _, asked in self.host.requests))
        return max(asked.recheck_after_ms for _, asked in self.host.requests if type(asked) is ops.DeferComponentUpdate)

    def validate(self, configuration: dict[str, Any]) -> str:
        """A deployment that asks about a configuration; why it is rejected."""
        self.host.validate(COMPONENT, ops.ValidateConfiguration(configuration, "d"))
        kind = ops.SendConfigurationValidityReport
        until(lambda: any(isinstance(asked, kind) for _, asked in self.host.requests))
        return next(asked.message for _, asked in self.host.requests if isinstance(asked, kind))


class Emulated(Scene):
    def __init__(self, folder: Path, wire: str, profile: str, **options: float) -> None:
        self.registry, self.broker = MemoryRegistry(), MemoryBroker()
        kind = PROFILES["lite" if profile == "lite" else "classic"]
        store = ConfigurationStore(None, kind)
        store.install(store.resolve(COMPONENT, defaults=CONFIGURATION, ms=1))
        (folder / "secrets.json").write_text('{"key": {"secretString": "value"}}')
        self.ipc = NucleusIpc(
            folder / "s",
            self.registry,
            profile=kind,
            configuration=store,
            surroundings=Surroundings(broker=self.broker, secrets=folder / "secrets.json"),
        )
        denials: list[None] = []
        wire_ = WIRES[wire](str(self.ipc.path), self.registry.add(COMPONENT, access()))
        nucleus = KeptNucleus(wire_, on_denied=lambda: denials.append(None), last_retry_s=0.3, **options)
        super().__init__(nucleus, denials, is_lite=profile == "lite")
        self.stop, self.start, self.deny = self.ipc.stop, self.ipc.start, self.ipc.faults.refuse_tokens
        self.say = self.broker.say

    def update(self) -> int:
        return self.ipc.pre_update("d", timeout_s=WAIT_S)

    def validate(self, configuration: dict[str, Any]) -> str:
        return self.ipc.validate({COMPONENT: configuration}, "d", timeout_s=WAIT_S)[COMPONENT]


def access() -> dict[str, Any]:
    """Everything, but on the topics of ``GRANTED`` only."""
    topics = {"operations": ["*"], "resources": GRANTED}
    policies: dict[str, Any] = {f"aws.greengrass.ipc.{name}": {name: topics} for name in ("pubsub", "mqttproxy")}
    return {**policies, "aws.greengrass.SecretManager": {"secrets": {"operations": ["*"], "resources": ["*"]}}}


@contextlib.contextmanager
def emulated(wire: str, profile: str, **options: float) -> Iterator[Emulated]:
    with tempfile.TemporaryDirectory(prefix="ipc") as folder:
        scene = Emulated(Path(folder), wire, profile, **options)
        with scene.ipc:
            yield scene
            scene.nucleus.close()
