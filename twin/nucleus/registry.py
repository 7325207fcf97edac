"""What the IPC server knows of components, and asks of whoever runs them.

Not here: processes and deployments; the registry of a running nucleus is the lifecycle's, this module holds the port
and one in memory for tests.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from twin.nucleus.errors import NucleusIpcError

Body = dict[str, object]

ACTIONS: Final = (
    "CancelLocalDeployment",
    "CreateLocalDeployment",
    "GetComponentDetails",
    "GetLocalDeploymentStatus",
    "ListComponents",
    "ListLocalDeployments",
    "PauseComponent",
    "RestartComponent",
    "ResumeComponent",
    "StopComponent",
)
"""Operations that the registry answers, by their name in the service's model."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something a component asks of the nucleus about components or deployments.

    Attributes:
        operation: One of ``ACTIONS``.
        asked_by: The component that asks; it may.
        body: The request as the model has it (``componentName``, ``rootComponentVersionsToAdd`` …).
    """

    operation: str
    asked_by: str
    body: Body


class Registry(Protocol):
    """Components as the lifecycle has them. Called from the IPC server's threads; must not block for seconds."""

    def component_of(self, token: str) -> str | None:
        """The component that was started with this token, or None where it is of no start that still counts."""

    def policies(self, component: str) -> Mapping[str, object]:
        """``accessControl`` of its present configuration: service → policy id → policy; empty where it has none."""

    def set_state(self, component: str, state: str) -> None:
        """The component reports ``RUNNING`` or ``ERRORED``."""

    def act(self, action: Action) -> Body:
        """Does it, and answers with the model's response.

        May take seconds; it is called on a thread of its own.

        Raises:
            NucleusIpcError: It cannot be done; becomes the component's error.
        """


class MemoryRegistry:
    """A registry that somebody fills by hand.

    Attributes:
        tokens: Component by token.
        access: ``accessControl`` by component.
        states: What components reported, in order.
        actions: What they asked for, in order.
        answers: The response by operation; an operation without one is refused.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.access: dict[str, Mapping[str, object]] = {}
        self.states: list[tuple[str, str]] = []
        self.actions: list[Action] = []
        self.answers: dict[str, Body] = {}

    def add(self, component: str, access: Mapping[str, object] | None = None) -> str:
        """A component with its policies; returns its token."""
        token = f"TOKEN-{component}-{len(self.tokens)}"
        self.tokens[token] = component
        self.access[component] = access or {}
        return token

    def component_of(self, token: str) -> str | None:
        """See ``Registry``."""
        return self.tokens.get(token)

    def policies(self, component: str) -> Mapping[str, object]:
        """See ``Registry``."""
        return self.access.get(component, {})

    def set_state(self, component: str, state: str) -> None:
        """See ``Registry``."""
        self.states.append((component, state))

    def act(self, action: Action) -> Body:
        """See ``Registry``."""
        self.actions.append(action)
        if action.operation not in self.answers:
            raise NucleusIpcError("ResourceNotFoundError", f"{action.operation}: nothing is known here")
        return self.answers[action.operation]
