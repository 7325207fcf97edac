"""What the IPC server asks of the components that really run (``registry.Registry``).

Answers have the shapes of the IPC model; sources: nucleus ``CLIEventStreamAgent.java``, greengrass-lite
``ggipcd/src/services/cli/create_local_deployment.c``.
Not here: whether a component may ask (``guard``).
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from twin.errors import TwinError
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.deployments import DeploymentQueue
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.plan import Change, Request, Status
from twin.nucleus.registry import Action, Body
from twin.nucleus.roster import Roster
from twin.nucleus.tokens import Tokens

_SHOWN: Final[tuple[Status, ...]] = ("QUEUED", "IN_PROGRESS", "SUCCEEDED")
"""As they are; every other status of a local deployment is ``FAILED``."""


class LiveRegistry:
    """Args: tokens, components, their configuration, and where deployments go."""

    def __init__(
        self, tokens: Tokens, roster: Roster, settings: ConfigurationStore, deployments: DeploymentQueue
    ) -> None:
        self._tokens = tokens
        self._roster = roster
        self._settings = settings
        self._deployments = deployments
        self._actions: dict[str, Callable[[Body], Body]] = {
            "CreateLocalDeployment": self._deploy,
            "GetComponentDetails": lambda body: {"componentDetails": self._details(self._name(body))},
            "GetLocalDeploymentStatus": self._deployment,
            "ListComponents": lambda _: {"components": [self._details(name) for name in self._roster.names()]},
            "ListLocalDeployments": self._list_deployments,
            "PauseComponent": lambda body: self._freeze(body, on=True),
            "RestartComponent": self._restart,
            "ResumeComponent": lambda body: self._freeze(body, on=False),
            "StopComponent": self._stop,
        }

    def component_of(self, token: str) -> str | None:
        """See ``Registry``."""
        return self._tokens.component_of(token)

    def policies(self, component: str) -> Mapping[str, object]:
        """See ``Registry``."""
        with contextlib.suppress(KeyError):
            found = self._settings.read(component, ("accessControl",))
            return found if isinstance(found, Mapping) else {}
        return {}

    def set_state(self, component: str, state: str) -> None:
        """See ``Registry``."""
        if component in self._roster:
            self._roster[component].report(state)

    def act(self, action: Action) -> Body:
        """See ``Registry``."""
        do = self._actions.get(action.operation)
        if do is None:
            raise NucleusIpcError("ServiceError", f"{action.operation} is not in the emulator")
        return do(action.body)

    def _name(self, body: Body) -> str:
        name = str(body.get("componentName", ""))
        if name not in self._roster:
            raise NucleusIpcError("ResourceNotFoundError", f"Component {name} not found")
        return name

    def _details(self, name: str) -> Body:
        service = self._roster[name]
        configuration: object = {}
        with contextlib.suppress(KeyError):
            configuration = self._settings.read(name)
        return {
            "componentName": name,
            "version": service.recipe.version,
            "state": str(service.state),
            "configuration": configuration,
        }

    def _restart(self, body: Body) -> Body:
        self._roster[self._name(body)].restart()
        return {"restartStatus": "SUCCEEDED"}

    def _stop(self, body: Body) -> Body:
        self._roster[self._name(body)].halt()
        return {"stopStatus": "SUCCEEDED"}

    def _freeze(self, body: Body, *, on: bool) -> Body:
        self._roster[self._name(body)].freeze(on=on)
        return {}

    def _deploy(self, body: Body) -> Body:
        asked = {
            "add": body.get("rootComponentVersionsToAdd") or {},
            "remove": body.get("rootComponentsToRemove") or [],
            "configuration": _changes(body.get("componentToConfiguration")),
            "recipes": body.get("recipeDirectoryPath") or "",
            "artifacts": body.get("artifactsDirectoryPath") or "",
            "rollback": body.get("failureHandlingPolicy") != "DO_NOTHING",
        }
        try:
            number, _ = self._deployments.submit(msgspec.convert(asked, Request))
        except (msgspec.ValidationError, TwinError) as exc:
            raise NucleusIpcError("InvalidArgumentsError", str(exc)) from exc
        return {"deploymentId": number}

    def _deployment(self, body: Body) -> Body:
        wanted = body.get("deploymentId")
        for outcome in self._deployments.outcomes():
            if outcome.id == wanted:
                return {"deployment": {"deploymentId": outcome.id, "status": _local(outcome.status)}}
        raise NucleusIpcError("ResourceNotFoundError", f"Cannot find deployment {wanted}")

    def _list_deployments(self, _: Body) -> Body:
        shown = [{"deploymentId": one.id, "status": _local(one.status)} for one in self._deployments.outcomes()]
        return {"localDeployments": shown}


def _local(status: Status) -> str:
    return status if status in _SHOWN else "FAILED"


def _changes(asked: object) -> dict[str, Change]:
    """``componentToConfiguration``: ``MERGE`` and ``RESET`` by component."""
    if not isinstance(asked, Mapping):
        return {}
    return {
        str(name): Change(reset=list(change.get("RESET") or []), merge=dict(change.get("MERGE") or {}))
        for name, change in asked.items()
        if isinstance(change, Mapping)
    }
