"""One set of components under one nucleus: installed from its archives, hurt, healed, drained, accounted for.

What was accepted is read off the spool's own counting: every sequence number it ever gave out is either stored,
declared or lost. Not here: the components (``sets``), the nucleus (``twin.nucleus``).
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeVar

import msgspec

from bench.greengrass.sets import FAULT, RECORDING_S, ComponentSet, full, resting, working
from bench.plant import SENSOR, write_recording
from device_agent.ledger import Entry
from device_agent.spool.overview import Overview, overview
from twin.cloud import Deployment
from twin.errors import TwinError
from twin.evidence import read_blocks
from twin.gateways import AgentStatus, RunStatus
from twin.nucleus.bridge import BridgeConfig, Mqtt5Bridge
from twin.nucleus.environment import Device
from twin.nucleus.nucleus import Nucleus, Options
from twin.nucleus.plan import Request
from twin.nucleus.recipe import Runtime
from twin.ports import LOOPBACK
from twin.reckoning import Block, Reckoning, reckon

_Status = TypeVar("_Status", RunStatus, AgentStatus)
_POLL_S: Final = 0.1
_INSTALL_S: Final = 180.0
_EMPTY_S: Final = 120.0


class Archives(NamedTuple):
    """What ``thresher components stage`` wrote, with more than one version.

    Attributes:
        local: Its folder ``local``.
        versions: In the order in which they are deployed.
    """

    local: Path
    versions: tuple[str, ...]


class Trial:
    """A context manager: leaving it ends the nucleus and all it started.

    Args:
        deployment: Of the twin.
        folder: Its own, empty.
        components: What is deployed.
        runtime: Under which nucleus.
        archives: From where.
    """

    def __init__(
        self, deployment: Deployment, folder: Path, *, components: ComponentSet, runtime: Runtime, archives: Archives
    ) -> None:
        self._deployment, self._set, self._archives = deployment, components, archives
        self.runtime = runtime
        self.thing = f"{components.name}-{runtime}"
        self.recording = folder / "plant.csv"
        write_recording(self.recording, RECORDING_S, fault=FAULT)
        device = deployment.provisioner().provision(self.thing, folder / "identity")
        self._bridge = BridgeConfig(
            host=LOOPBACK,
            port=deployment.endpoint.mqtt_port,
            client_id=self.thing,
            certificate=str(device.certificate),
            private_key=str(device.private_key),
            ca=str(device.ca),
            keeps_session=runtime == "classic",
        )
        self._root = folder / "gg"
        self._open = contextlib.ExitStack()
        self.nucleus = self._started()

    @property
    def state_dir(self) -> Path:
        """Where spool and status are."""
        return self._root / "work" / full(self._set.keeper)

    def deploy(self, version: str, document: dict[str, Any]) -> float:
        """Deploys a version with a document; returns the seconds it took."""
        began_s = time.monotonic()
        request = Request(
            add=dict.fromkeys(self._set.names, version),
            configuration=self._set.configured(document),
            recipes=str(self._archives.local / "recipes"),
            artifacts=str(self._archives.local / "artifacts"),
        )
        outcome = self.nucleus.deploy(request)
        if outcome.status != "SUCCEEDED":
            raise TwinError(f"{self.thing}: {outcome.status}: {outcome.message}", remedy=outcome.remedy)
        return time.monotonic() - began_s

    def begin(self) -> None:
        """The first deployment; returns when the cloud has stored something."""
        self.deploy(self._archives.versions[0], working(self.recording))
        self.until(lambda: self.stored() > 0, _INSTALL_S, "nothing was stored")

    def restart(self) -> None:
        """The nucleus ends with everything it started, and is started again."""
        self._open.close()
        self.nucleus = self._started()

    def flows(self, within_s: float) -> float:
        """Waits until the cloud stores more than now; returns the seconds."""
        began_s, before = time.monotonic(), self.stored()
        self.until(lambda: self.stored() > before, within_s, "nothing more was stored")
        return time.monotonic() - began_s

    def episode_is_open(self) -> bool:
        """Whether the gateway is in the middle of one."""
        return (self.state_dir / f"episode-{SENSOR}.json").exists()

    def stored(self) -> int:
        """Sequences that the gateway knows to be stored."""
        status = self._status("agent-status.json", AgentStatus)
        return sum(status.stored.values()) if status else 0

    def version(self) -> str:
        """Of the component that keeps the spool."""
        return self.nucleus.roster[full(self._set.keeper)].recipe.version

    def log(self) -> str:
        """What that component wrote, so far."""
        path = self._root / "logs" / f"{full(self._set.keeper)}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def settle(self) -> Reckoning:
        """Lets the spool run dry and accounts for every sequence number it gave out.

        A watermark that died with a silent subscription is told again with the lane's next block, or after a restart
        (docs/guarantees.md); a gateway at rest has no next one.
        """
        self.deploy(self.version(), resting())
        self.restart()
        path = self.state_dir / "spool.sqlite3"
        self.until(lambda: _pending(overview(path)) == 0, _EMPTY_S, "the spool was not emptied")
        given = overview(path)
        return reckon(given_out(given), self._blocks())

    def until(self, claim: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Waits for a claim; raises ``TwinError`` if it does not come true in time."""
        deadline = time.monotonic() + timeout_s
        while not claim():
            if time.monotonic() > deadline:
                states = ", ".join(f"{name} {state.value}" for name, state in self.nucleus.roster.states().items())
                raise TwinError(f"{self.thing}: {what} within {timeout_s:.0f} s ({states})", remedy="read its logs")
            time.sleep(_POLL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _started(self) -> Nucleus:
        options = Options(root=self._root, runtime=self.runtime, device=Device(thing=self.thing))
        return self._open.enter_context(Nucleus(options, broker=Mqtt5Bridge(self._bridge)))

    def _blocks(self) -> list[Block]:
        found = read_blocks(self._deployment.clients, self._deployment.outputs.table_name)
        return [block for block in found if block.gateway_id == self.thing]

    def _status(self, name: str, kind: type[_Status]) -> _Status | None:
        try:
            return msgspec.json.decode((self.state_dir / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None


def _pending(found: Overview) -> int:
    return sum(lane.pending for lane in found.lanes.values())


def given_out(found: Overview) -> list[Entry]:
    """Every sequence number that a spool gave out, as a ledger has them."""
    return [
        Entry(spool_id=found.spool_id, lane=lane, seq=seq, kind="", sample_wall_ms=0, accepted_wall_ms=0)
        for lane, each in found.lanes.items()
        for seq in range(1, each.stored + each.pending + 1)
    ]
