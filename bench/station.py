"""A gateway as two real processes with a document of the caller's own, on the local twin.

Not here: the cloud (``twin.cloud``), what the processes do (``device_agent``).
"""

from pathlib import Path
from typing import Final, Literal, Self, TypeVar

import msgspec

from device_agent.config import GatewayConfig, UplinkConfig
from device_agent.files import atomic_write
from twin.children import Child, child_environment
from twin.cloud import Deployment
from twin.errors import TwinError
from twin.gateways import AgentStatus, RunStatus
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles

Role = Literal["run", "agent"]
_STATUS: Final = {"run": "run-status.json", "agent": "agent-status.json"}
_END_S: Final = 20.0
_Status = TypeVar("_Status", RunStatus, AgentStatus)


class Station:
    """A context manager: leaving it ends both processes.

    Args:
        config: Its ``uplink`` is replaced by one that reaches the twin.
        folder: Its own, for document, identity, logs and ledger; the state folder is the document's.
        program: What Python runs; takes a role and that role's arguments.
    """

    def __init__(self, config: GatewayConfig, folder: Path, *, program: str = "thresher") -> None:
        self.config = config
        self.ledger = folder / "ledger.jsonl"
        self._folder = folder
        self._program = program
        self._document = folder / "gateway.yaml"
        self._children: dict[Role, Child] = {}

    def provision(self, deployment: Deployment, *, port: int | None = None, **uplink: float) -> None:
        """Makes its identity and writes its document.

        Args:
            deployment: Of the twin.
            port: Of the broker on 127.0.0.1, where a proxy stands before it.
            uplink: Other keys of ``UplinkConfig``.
        """
        device = deployment.provisioner().provision(self.config.gateway, self._folder / "identity")
        self.reach(device, port=port or deployment.endpoint.mqtt_port, rule=deployment.outputs.rule_name, **uplink)

    def reach(self, device: DeviceFiles, *, port: int, rule: str, **uplink: float) -> None:
        """Writes its document for a broker on 127.0.0.1 and an identity that is there already."""
        reach = UplinkConfig(
            endpoint=LOOPBACK,
            port=port,
            certificate=str(device.certificate),
            private_key=str(device.private_key),
            ca=str(device.ca),
            rule=rule,
        )
        changed = msgspec.convert({**msgspec.to_builtins(reach), **uplink}, UplinkConfig)
        self.config = msgspec.structs.replace(self.config, uplink=changed)
        atomic_write(self._document, msgspec.yaml.encode(self.config))

    def take_identity(self, other: "Station") -> None:
        """Name and certificate of another one, as a copied card has them; its own state folder."""
        own = self.config.state_dir
        self.config = msgspec.structs.replace(other.config, state_dir=own)
        atomic_write(self._document, msgspec.yaml.encode(self.config))

    def start(self, role: Role, *options: str) -> None:
        """Starts a process, with more arguments. Call from a thread that outlives it (see ``device_agent.tether``)."""
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        more = ("--ledger", str(self.ledger)) if role == "run" else ()
        self._children[role] = Child(
            f"{self.config.gateway} {role}",
            ("-m", self._program, role, "--config", str(self._document), *more, *options),
            log=self._folder / f"{role}.log",
            environment=child_environment(home),
        )

    def stop(self, role: Role) -> None:
        """Ends a process in order; a second call does nothing."""
        child = self._children.pop(role, None)
        if child is not None:
            child.stop(_END_S)

    def kill(self, role: Role) -> None:
        """Ends a process without a word (SIGKILL)."""
        self._children.pop(role).kill()

    def ended(self, role: Role, timeout_s: float) -> int | None:
        """The exit code of a process that ends by itself; ``None`` if it has not in time."""
        code = self._children[role].wait(timeout_s)
        if code is not None:
            self._children.pop(role)
        return code

    def pid(self, role: Role) -> int:
        """Process id of a started process."""
        return self._children[role].pid

    def check(self) -> None:
        """Raises ``TwinError`` if one of them has ended."""
        for child in self._children.values():
            child.check()

    def run_status(self) -> RunStatus | None:
        """``None`` until sensing has written its first."""
        return self._read("run", RunStatus)

    def agent_status(self) -> AgentStatus | None:
        """``None`` until the agent has written its first."""
        return self._read("agent", AgentStatus)

    @property
    def state_dir(self) -> Path:
        """Where spool, calibration and status are."""
        return Path(self.config.state_dir)

    def _read(self, role: Role, kind: type[_Status]) -> _Status | None:
        path = self.state_dir / _STATUS[role]
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as exc:
            raise TwinError(f"{path}: {exc}", remedy="report it: this file is written atomically") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("run")
        self.stop("agent")
