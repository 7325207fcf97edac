"""``reboot``: the shipped handler ``reboot.sh``, allowed by the same list, proven by the boot's id."""

from typing import Final

import msgspec

from contract.jobs import Action, Call, RunHandler
from device_agent.fleet.port import Outcome, Performer, Task

HANDLER: Final = "reboot.sh"


class Rebooting:
    """See ``device_agent.fleet.port.Performer``.

    Args:
        commands: Carries out handlers.
    """

    def __init__(self, commands: Performer) -> None:
        self._commands = commands

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        return self._commands.refusal(_as_handler(action))

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        return self._commands.perform(_with_handler(task))

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``."""
        return self._commands.resume(_with_handler(task))


def _as_handler(action: Action) -> Action:
    return RunHandler(name=action.name, input=Call(handler=HANDLER))


def _with_handler(task: Task) -> Task:
    return msgspec.structs.replace(task, action=_as_handler(task.action))
