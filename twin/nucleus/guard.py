"""Lets a call through, or answers it as its nucleus answers what is not allowed."""

import json

from twin.nucleus.authorisation import PREFIX, is_allowed, service_of
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Registry
from twin.nucleus.streams import Call
from twin.nucleus.trees import pointer


class Guard:
    """Args: who has the policies, whose rules apply, and the values of recipe variables."""

    def __init__(self, registry: Registry, profile: Profile, variables: "Variables") -> None:
        self._registry = registry
        self._profile = profile
        self._variables = variables

    def check(self, call: Call, resource: str) -> None:
        """Nothing where the component may.

        Raises:
            NucleusIpcError: ``UnauthorizedError``, with the message of this nucleus.
        """
        access = self._registry.policies(call.component)

        def value(name: str) -> str | None:
            return self._variables.value(call.component, name)

        if not is_allowed(access, call.operation, resource, profile=self._profile, interpolate=value):
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
    """Recipe variables in policies, as far as they mean something in a topic's name.

    Args:
        thing_name: For ``{iot:thingName}``.
        configuration: For ``{configuration:/KEY}`` of the component that asks.
    """

    def __init__(self, thing_name: str, configuration: ConfigurationStore) -> None:
        self._thing_name = thing_name
        self._configuration = configuration

    def value(self, component: str, name: str) -> str | None:
        """What a variable stands for, or None where it has no value."""
        if name == "iot:thingName":
            return self._thing_name or None
        kind, _, written = name.partition(":")
        if kind != "configuration":
            return None
        try:
            value = self._configuration.read(component, pointer(written))
        except (KeyError, ValueError):
            return None
        return value if isinstance(value, str) else json.dumps(value)
