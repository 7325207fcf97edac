"""``start-services.sh``, ``stop-services.sh`` and ``restart-services.sh``: by systemctl or service.

The service that runs this agent is neither stopped nor restarted: the agent would end in the middle of the job, be
started with the job still open, and end again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from device_agent.fleet.handlers import words
from device_agent.fleet.handlers.tools import ToolError, first_of, run

_CGROUP: Final = Path("/proc/self/cgroup")
_SUFFIX: Final = ".service"


def change(what: Literal["start", "stop", "restart"], arguments: Sequence[str], *, cgroup: Path = _CGROUP) -> int:
    """Starts, stops or restarts services, one after another. Returns the first exit status that is not 0."""
    names = words.units(arguments)
    own = own_units(cgroup)
    for name in names:
        if what != "start" and name.removesuffix(_SUFFIX) in own:
            raise ToolError(f"{name} runs the agent that carries out this job: use an action of type restart")
    for name in names:
        tool = first_of({"systemctl": [what, "--", name], "service": [name, what]})
        if code := run(tool):
            return code
    return 0


def own_units(cgroup: Path) -> set[str]:
    """Services this process belongs to, without their suffix (proc(5), ``/proc/pid/cgroup``)."""
    try:
        lines = cgroup.read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    parts = {part for line in lines for part in line.rpartition(":")[2].split("/")}
    return {part.removesuffix(_SUFFIX) for part in parts if part.endswith(_SUFFIX)}
