"""What ``<state_dir>/supervise-status.json`` holds, written every second in memory."""

from typing import Final

import msgspec

from device_agent.supervising.ward import WardStatus

SUPERVISE_STATUS: Final = "supervise-status.json"


class SuperviseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the gateway's processes are kept.

    Attributes:
        gateway_id: The gateway.
        wall_ms: When it was written.
        pid: Of the supervisor.
        version: Of the supervisor's own program.
        release: In use; empty for the supervisor's own installation.
        renewed_from: The release whose supervisor this is; empty for the installation's own.
        processes: By name.
        update: Phase of the update that runs; empty where none does.
        restarts_asked: Restarts of everything that were asked for.
        failures: Times that something the supervisor does beside failed, e.g. writing its notes.
    """

    gateway_id: str
    wall_ms: int
    pid: int
    version: str
    release: str = ""
    renewed_from: str = ""
    processes: dict[str, WardStatus] = {}
    update: str = ""
    restarts_asked: int = 0
    failures: int = 0
