"""What a component says of itself (``UpdateState``), and whose a token is (``ValidateAuthorizationToken``).

Sources: classic ``builtin/services/lifecycle/LifecycleIPCEventStreamAgent.java``,
``authorization/AuthorizationIPCAgent.java``; lite ``services/lifecycle/update_state.c``,
``services/authorizationagent/token_validator.c``. Neither needs a policy.
"""

from collections.abc import Mapping
from typing import Final

from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Body, Registry
from twin.nucleus.streams import Call, Handler, text

_STATES: Final = ("RUNNING", "ERRORED")
_MAY_VALIDATE: Final = "aws.greengrass.StreamManager"


class State:
    """Args: who keeps the states and the tokens, and whose rules apply."""

    def __init__(self, registry: Registry, profile: Profile) -> None:
        self._registry = registry
        self._profile = profile

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {"UpdateState": self._update, "ValidateAuthorizationToken": self._validate}

    def _update(self, call: Call) -> Body:
        state = text(call.body, "state")
        if state not in _STATES:
            message = "Failed to update the lifecycle state." if self._profile.is_lite else f"No such state: {state}"
            raise NucleusIpcError("ServiceError" if self._profile.is_lite else "InvalidArgumentsError", message)
        self._registry.set_state(call.component, state)
        return {}

    def _validate(self, call: Call) -> Body:
        if call.component != _MAY_VALIDATE:
            raise NucleusIpcError(
                "UnauthorizedError", f"{call.component} is not authorized to perform {call.operation}"
            )
        if self._registry.component_of(text(call.body, "token")) is None:
            raise NucleusIpcError("InvalidTokenError", "Unable to authenticate the token")
        return {"isValid": True}
