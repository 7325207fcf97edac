"""What of a gateway is shown beside its events, as parts that use the agent's connection.

Not here: each part.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from device_agent.config import GatewayConfig
from device_agent.desired import Values
from device_agent.fleet.update.port import UpdateState
from device_agent.fleet.visibility.content import PACKAGE, STATE, Facts, facts, packages, state
from device_agent.fleet.visibility.defender import LEAST_EVERY_S, Defender, Seen
from device_agent.fleet.visibility.report_ids import ReportIds
from device_agent.fleet.visibility.reported import Paper, Reported
from device_agent.fleet.visibility.sockets import look
from device_agent.identity import read_identity
from device_agent.machine import Machine
from device_agent.uplink.port import Uplink

REPORT_IDS_FILE: Final = "report-ids"
AGENT_STATUS: Final = "agent-status.json"
RUN_STATUS: Final = "run-status.json"

Part = Reported | Defender


class Shown(NamedTuple):
    """What is shown.

    Attributes:
        look: The document of the process that filters.
        stands: How updates stand.
        models: See ``model_of``.
        tunnel: The last that was recorded of tunnels.
    """

    look: Callable[[], GatewayConfig]
    stands: Callable[[], UpdateState] = UpdateState
    models: Sequence[Path] = ()
    tunnel: Callable[[], Values] = dict


def showing(config: GatewayConfig, machine: Machine, shown: Shown) -> Iterator[Callable[[Uplink], Part]]:
    """The parts that the document asks for, each made once there is a connection to use."""
    wanted, boot_id = config.fleet.visibility, read_identity(config.gateway).boot_id

    def now() -> Facts:
        found = facts(shown.look(), boot_id, shown.stands, models=shown.models)
        return msgspec.structs.replace(found, tunnel=shown.tunnel())

    if wanted.shadows:
        for name, said in ((STATE, state), (PACKAGE, packages)):
            yield _paper(config, Paper(name, lambda said=said: said(now())))  # type: ignore[misc]
    if wanted.defender_s:
        ids = ReportIds(Path(config.state_dir) / REPORT_IDS_FILE, lambda: machine.clock.wall_ms() / 1000)
        every_s = max(LEAST_EVERY_S, wanted.defender_s)
        yield lambda uplink: Defender(uplink, config.gateway, ids, see=lambda: _seen(shown.look()), every_s=every_s)


def _seen(config: GatewayConfig) -> Seen:
    return Seen(look(), numbers(Path(config.state_dir)))


def _paper(config: GatewayConfig, paper: Paper) -> Callable[[Uplink], Part]:
    return lambda uplink: Reported(uplink, config.gateway, paper)


class _Agent(msgspec.Struct, frozen=True):
    pending: dict[str, int] = {}


class _Run(msgspec.Struct, frozen=True):
    counters: dict[str, int] = {}
    degraded: list[str] = []


def numbers(folder: Path) -> dict[str, float]:
    """Custom metrics, from what the gateway's two processes say of themselves; 0 where one says nothing."""
    agent, run = _read(folder / AGENT_STATUS, _Agent), _read(folder / RUN_STATUS, _Run)
    return {
        "thresher_spool_pending": float(sum(agent.pending.values())),
        "thresher_degraded": float(len(run.degraded)),
    }


def _read(path: Path, kind: type[Any]) -> Any:  # noqa: ANN401 - an instance of ``kind``
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return kind()
