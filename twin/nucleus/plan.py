"""What a deployment asks for, and what it means for the components that are there; functions of values.

Not here: doing it (``deployment``).
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from twin.errors import TwinError
from twin.nucleus.deployed import Deployed
from twin.nucleus.recipe import Recipe, Runtime

Status = Literal[
    "QUEUED",
    "IN_PROGRESS",
    "SUCCEEDED",
    "FAILED_NO_STATE_CHANGE",
    "FAILED_ROLLBACK_COMPLETE",
    "FAILED_ROLLBACK_NOT_REQUESTED",
    "FAILED_UNABLE_TO_ROLLBACK",
    "REJECTED",
]
"""As the nucleus reports a deployment (nucleus ``DeploymentResult``)."""

LITE_COMPONENTS: Final = 50


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one component's configuration.

    Attributes:
        reset: JSON pointers that go back to the recipe's defaults; the empty one is all of it.
        merge: Laid over what is there, afterwards.
    """

    reset: list[str] = []
    merge: dict[str, object] = {}


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A local deployment.

    Attributes:
        id: Any; empty for one made up.
        add: Version by name, of root components.
        remove: Names of root components.
        configuration: Changes by component.
        recipes: Folder whose recipes are taken first; empty for none.
        artifacts: Folder of ``<Name>/<version>/<file>``; empty for none.
        notify: Ask components before it, as ``NOTIFY_COMPONENTS`` does.
        notify_timeout_s: So long a component may think.
        validate_timeout_s: So long a component may think about its new configuration.
        rollback: Go back when it fails, as ``ROLLBACK`` does; the lite nucleus never does.
    """

    id: str = ""
    add: dict[str, str] = {}
    remove: list[str] = []
    configuration: dict[str, Change] = {}
    recipes: str = ""
    artifacts: str = ""
    notify: bool = True
    notify_timeout_s: float = 60.0
    validate_timeout_s: float = 30.0
    rollback: bool = True


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a deployment went.

    Attributes:
        message: Empty, or why.
        remedy: What to try.
    """

    id: str
    status: Status
    message: str = ""
    remedy: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Attributes:
        roots: What is asked for after it.
        recipes: Of all components after it, dependencies first.
        installed: Names to install and start anew: new ones, other versions, or told so by their configuration.
        removed: Names to stop and forget.
        configured: Names whose configuration is laid out anew.
    """

    roots: dict[str, str]
    recipes: dict[str, Recipe]
    installed: tuple[str, ...]
    removed: tuple[str, ...]
    configured: tuple[str, ...]


def roots_after(request: Request, deployed: Deployed) -> dict[str, str]:
    """Root components once a deployment is done.

    Raises:
        TwinError: It removes what is no root component.
    """
    for name in request.remove:
        if name not in deployed.roots:
            there = ", ".join(deployed.roots) or "none"
            raise TwinError(f"{name} is no root component; there: {there}", remedy="remove what you added")
    kept = {name: version for name, version in deployed.roots.items() if name not in request.remove}
    return {**kept, **request.add}


def plan(
    request: Request,
    recipes: Mapping[str, Recipe],
    running: Mapping[str, Recipe],
    *,
    roots: dict[str, str],
    runtime: Runtime,
) -> Plan:
    """What the request means for what runs.

    Args:
        request: What is asked.
        recipes: What there should be, dependencies first.
        running: What there is.
        roots: See ``roots_after``.
        runtime: Lite starts a component anew for any change of its configuration, classic for a changed recipe.

    Raises:
        TwinError: It configures what is not there, or is more than the nucleus takes.
    """
    unknown = [name for name in request.configuration if name not in recipes]
    if unknown:
        raise TwinError(
            f"configuration for {unknown[0]}, which is not deployed", remedy="add it in the same deployment"
        )
    if runtime == "lite" and len(recipes) > LITE_COMPONENTS:
        raise TwinError(f"{len(recipes)} components, more than {LITE_COMPONENTS}", remedy="deploy fewer")
    return Plan(
        roots=roots,
        recipes=dict(recipes),
        installed=tuple(name for name in recipes if _begins_anew(name, request, recipes, running, runtime)),
        removed=tuple(name for name in reversed(list(running)) if name not in recipes),
        configured=tuple(
            name for name in recipes if name in request.configuration or recipes[name] != running.get(name)
        ),
    )


def _begins_anew(
    name: str, request: Request, recipes: Mapping[str, Recipe], running: Mapping[str, Recipe], runtime: Runtime
) -> bool:
    before, after = running.get(name), recipes[name]
    if before is None or before.version != after.version:
        return True
    if runtime == "lite":
        return name in request.configuration  # deployment_handler.c: is_component_config_updated
    return (before.steps, before.environment) != (after.steps, after.environment)
