"""What a component asks about others: restart, pause, list, deploy. The registry does it; this asks whether it may.

Sources: classic ``builtin/services/cli/CLIEventStreamAgent.java``; lite ``services/cli/*.c``. A policy stands under
``aws.greengrass.Cli`` (pause and resume: ``aws.greengrass.ipc.lifecycle``), its resources are components' names.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Final

from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.guard import Guard
from twin.nucleus.profile import Profile
from twin.nucleus.registry import ACTIONS, Action, Body, Registry
from twin.nucleus.streams import Call, Handler, text

_OF_ONE: Final = ("GetComponentDetails", "PauseComponent", "RestartComponent", "ResumeComponent", "StopComponent")


class Deployments:
    """Args: who may, who does it, whose rules apply, and the threads on which it is done."""

    def __init__(self, guard: Guard, registry: Registry, *, profile: Profile, workers: Executor) -> None:
        self._guard = guard
        self._registry = registry
        self._profile = profile
        self._workers = workers

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return dict.fromkeys(ACTIONS, self._act)

    async def _act(self, call: Call) -> Body:
        self._check(call)
        action = Action(operation=call.operation, asked_by=call.component, body=call.body)
        return await asyncio.get_running_loop().run_in_executor(self._workers, self._registry.act, action)

    def _check(self, call: Call) -> None:
        if call.operation in _OF_ONE and not text(call.body, "componentName"):
            message = "Invalid arguments provided." if self._profile.is_lite else "Component name cannot be null"
            raise NucleusIpcError("InvalidArgumentsError", message)
        try:
            self._guard.check(call, text(call.body, "componentName"))
        except NucleusIpcError as exc:
            if self._profile.is_lite and call.operation == "CreateLocalDeployment":  # create_local_deployment.c
                raise NucleusIpcError("ServiceError", exc.message) from exc
            raise
