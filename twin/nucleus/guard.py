"""Lets a call through, or answers it as its nucleus answers what is not allowed."""

from twin.nucleus.authorisation import PREFIX, Interpolate, is_allowed, service_of
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Registry
from twin.nucleus.streams import Call


class Guard:
    """Args: who has the policies, whose rules apply, and the values of recipe variables by component."""

    def __init__(self, registry: Registry, profile: Profile, *, variables: "Variables | None" = None) -> None:
        self._registry = registry
        self._profile = profile
        self._variables = variables or Variables("")

    def check(self, call: Call, resource: str) -> None:
        """Nothing where the component may.

        Raises:
            NucleusIpcError: ``UnauthorizedError``, with the message of this nucleus.
        """
        access = self._registry.policies(call.component)
        interpolate = self._variables.of(call.component)
        if not is_allowed(access, call.operation, resource, profile=self._profile, interpolate=interpolate):
            raise NucleusIpcError("UnauthorizedError", self._message(call, resource))

    def _message(self, call: Call, resource: str) -> str:
        if self._profile.is_lite:
            if call.operation == "RestartComponent":  # services/cli/restart_component.c
                return "Component not authorized to restart component."
            return "IPC Operation not authorized."
        if call.operation in ("PublishToIoTCore", "SubscribeToIoTCore"):  # mqttproxy/MqttProxyIPCAgent.java
            return "Not Authorized"
        service = service_of(call.operation)
        return (  # authorization/AuthorizationHandler.java
            f"Principal {call.component} is not authorized to perform {service}:{PREFIX}{call.operation} "
            f"on resource {resource}"
        )


class Variables:
    """Recipe variables in policies; only names that stand for the whole nucleus or the asking component.

    Args:
        thing_name: For ``{iot:thingName}``.
    """

    def __init__(self, thing_name: str) -> None:
        self._thing_name = thing_name

    def of(self, component: str) -> Interpolate:
        """Name to value, for one component."""
        known = {"iot:thingName": self._thing_name, "component_name": component}
        return lambda name: known.get(name) or None
