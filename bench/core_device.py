"""A core device on the twin: our built components inside an emulated nucleus, with the thing's certificate.

What was accepted is taken from the spool's file, what was stored from the table: a sequence number that was given out
and is neither stored, declared nor still in the spool is lost. Not here: what happens to it (``bench.greengrass``).
"""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec

from contract.events import LANES, Lane
from device_agent.greengrass.place import EDGE_FILTER, EDGE_MODEL, EVENT_FORWARDER, FLEET_AGENT, GATEWAY, SENSOR_READER
from device_agent.spool.opening import SPOOL_FILE
from device_agent.spool.overview import Overview, overview
from operations.publishing.stage import Order, stage
from twin.cloud import Deployment
from twin.errors import TwinError
from twin.evidence import read_blocks
from twin.nucleus.bridge import BridgeConfig, Mqtt5Bridge
from twin.nucleus.environment import Device
from twin.nucleus.nucleus import Nucleus, Options
from twin.nucleus.plan import Change, Outcome, Request
from twin.nucleus.recipe import Runtime
from twin.nucleus.recipe_reader import architecture
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles

ROOT: Final = Path(__file__).resolve().parents[1]
Kind = Literal["whole", "split"]
SETS: Final[dict[Kind, tuple[str, ...]]] = {
    "whole": (GATEWAY, FLEET_AGENT, EDGE_MODEL),
    "split": (SENSOR_READER, EDGE_FILTER, EVENT_FORWARDER, FLEET_AGENT, EDGE_MODEL),
}
"""What is deployed together; the first three of ``split`` read the same document."""

_POLL_S: Final = 0.2
_SETTLE_S: Final = 1.0
"""The lite nucleus looks after five seconds; a component that cannot start is as broken after one."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Of one spool, over all lanes, once its components have ended.

    Attributes:
        accepted: Sequence numbers given out.
        stored: Of those, in the table.
        declared: Given up openly.
        pending: In the spool and not in the table.
        lost: The rest; must be 0.
        duplicates: In more than one block; must be 0.
    """

    accepted: int
    stored: int
    declared: int
    pending: int
    lost: int
    duplicates: int


def build(version: str, output: Path) -> Path:
    """Stages every component for this machine; returns the folder of ``recipes`` and ``artifacts``."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    names = tuple({name: None for kind in SETS.values() for name in kind})
    stage(
        Order(
            root=ROOT, output=output, names=names, version=version, architectures=(architecture(),), pythons=(python,)
        )
    )
    return output / "local"


class CoreDevice:
    """A context manager; leaving it ends every component.

    Args:
        deployment: The cloud.
        folder: Its own; short, because a socket lies in it.
        thing: Its name.
        runtime: Which nucleus.
        kind: Which components.
    """

    def __init__(self, deployment: Deployment, folder: Path, thing: str, *, runtime: Runtime, kind: Kind) -> None:
        self.thing = thing
        self.kind = kind
        self.states: list[tuple[str, str]] = []
        self._deployment = deployment
        self._runtime: Runtime = runtime
        self._root = folder / "root"
        self._identity: DeviceFiles = deployment.provisioner().provision(thing, folder / "identity")
        self.nucleus = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.nucleus.close()

    def restart(self) -> None:
        """The nucleus ends, with every component, and begins again."""
        self.nucleus.close()
        self.nucleus = self._open()

    def deploy(self, local: Path, version: str, document: Mapping[str, Any]) -> Outcome:
        """The whole set in one version.

        Args:
            local: See ``build``.
            version: Of all.
            document: Merged into the configuration of those that read it; an empty one changes nothing.

        Raises:
            TwinError: It did not succeed.
        """
        readers = [name for name in SETS[self.kind] if name not in (FLEET_AGENT, EDGE_MODEL)] if document else []
        outcome = self.nucleus.deploy(
            Request(
                add=dict.fromkeys(SETS[self.kind], version),
                configuration={name: Change(merge=dict(document)) for name in readers},
                recipes=str(local / "recipes"),
                artifacts=str(local / "artifacts"),
            )
        )
        if outcome.status != "SUCCEEDED":
            raise TwinError(f"{self.thing}: deployment {outcome.status}: {outcome.message}", remedy=outcome.remedy)
        return outcome

    def work(self, component: str) -> Path:
        """Its working folder."""
        return self._root / "work" / component

    def status(self, component: str, name: str) -> dict[str, Any]:
        """A status file of a component; empty while there is none."""
        try:
            found: dict[str, Any] = msgspec.json.decode((self.work(component) / name).read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def log(self, component: str) -> str:
        """What a component wrote; of much, the end."""
        path = self._root / "logs" / f"{component}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def senses(self) -> str:
        """The component that accepts events."""
        return GATEWAY if self.kind == "whole" else EDGE_FILTER

    @property
    def forwards(self) -> str:
        """The component that sends them."""
        return GATEWAY if self.kind == "whole" else EVENT_FORWARDER

    def spool(self) -> Overview | None:
        """What its spool holds; ``None`` before there is one."""
        path = self.work(self.senses) / SPOOL_FILE
        return overview(path) if path.exists() else None

    def accepted(self) -> dict[Lane, int]:
        """Sequence numbers given out so far, by lane."""
        found = self.spool()
        return {lane: one.stored + one.pending for lane, one in found.lanes.items()} if found else {}

    def stored(self) -> dict[Lane, int]:
        """The watermarks the device knows of."""
        found = self.spool()
        return {lane: one.stored for lane, one in found.lanes.items()} if found else {}

    def until(self, met: Callable[[], bool], what: str, *, within_s: float = 60.0) -> float:
        """Waits; returns how long it took, in seconds.

        Raises:
            TwinError: It took too long.
        """
        begun = time.monotonic()
        while not met():
            if time.monotonic() - begun > within_s:
                said = "\n".join(f"--- {name}\n{self.log(name)[-2000:]}" for name in SETS[self.kind])
                raise TwinError(f"{self.thing}: not {what} within {within_s:.0f} s\n{said}")
            time.sleep(_POLL_S)
        return time.monotonic() - begun

    def drain(self, *, within_s: float = 60.0) -> None:
        """Waits until everything accepted before now is known to be stored."""
        target = self.accepted()
        self.until(
            lambda: all(through >= target.get(lane, 0) for lane, through in self.stored().items()),
            f"stored through {target}",
            within_s=within_s,
        )

    def account(self) -> Account:
        """Compares spool and table; the components must have ended."""
        found = self.spool()
        if found is None:
            raise TwinError(f"{self.thing}: no spool", remedy=f"read {self._root}/logs")
        blocks = read_blocks(self._deployment.clients, self._deployment.outputs.table_name)
        own = [block for block in blocks if block.gateway_id == self.thing and block.spool_id == found.spool_id]
        keys = [key for block in own for key in block.keys()]  # noqa: SIM118 - a block is no mapping
        stored, declared = set(keys), {key for block in own for key in block.given_up()}
        given = {(found.spool_id, lane, seq) for lane in LANES for seq in range(1, self.accepted()[lane] + 1)}
        through = self.stored()
        kept = {key for key in given if key[2] > through[key[1]]}
        return Account(
            accepted=len(given),
            stored=len(given & stored),
            declared=len((given & declared) - stored),
            pending=len(kept - stored),
            lost=len(given - stored - declared - kept),
            duplicates=len(keys) - len(stored),
        )

    def _open(self) -> Nucleus:
        bridge = Mqtt5Bridge(
            BridgeConfig(
                host=LOOPBACK,
                port=self._deployment.endpoint.mqtt_port,
                client_id=self.thing,
                certificate=str(self._identity.certificate),
                private_key=str(self._identity.private_key),
                ca=str(self._identity.ca),
                keeps_session=self._runtime == "classic",
            )
        )
        options = Options(
            root=self._root,
            runtime=self._runtime,
            device=Device(thing=self.thing),
            settle_s=_SETTLE_S if self._runtime == "lite" else None,
        )
        tell = lambda name, state: self.states.append((name, str(state)))  # noqa: E731 - one line, once
        return Nucleus(options, broker=bridge, tell=tell).__enter__()
