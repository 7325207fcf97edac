"""What a nucleus can answer instead of doing what was asked.

```
NucleusError              the answer's type and message; the root
├── UnsupportedError      this nucleus lacks the operation: for as long as it runs
├── UnauthorizedError     the operator: the recipe's accessControl does not grant it
├── InvalidRequestError   ours: the same request never succeeds
├── NotFoundError         no such key, secret or component
├── ConflictError         a newer value is there already
├── ServiceRefusedError   a retry: the nucleus could not do it now (``ServiceError``: offline, full, busy)
└── LostError             a retry: the connection went, or no answer came; it may have been done all the same
```
Source of the names: ``awsiot/greengrasscoreipc/model.py``. Not here: a refused token (``wire``).
"""

from typing import Any, Final

from device_agent.errors import ThresherError
from device_agent.ipc.operations import Request


class NucleusError(ThresherError):
    """Says what was asked, on what, and what the nucleus said.

    Attributes:
        error: The answer's type as IPC names it (``UnauthorizedError``); empty where none came.
    """

    def __init__(self, message: str, *, error: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.error = error


class UnsupportedError(NucleusError):
    """This nucleus does not know the operation."""


class UnauthorizedError(NucleusError):
    """The component may not do this; ``remedy`` names what its recipe must grant."""


class InvalidRequestError(NucleusError):
    """The request itself is wrong."""


class NotFoundError(NucleusError):
    """What the request names is not there."""


class ConflictError(NucleusError):
    """The nucleus holds something newer."""


class ServiceRefusedError(NucleusError):
    """The nucleus could not do it now."""


class LostError(NucleusError):
    """No answer: the connection ended, is not there, or the nucleus is mute."""


_KINDS: Final[dict[str, type[NucleusError]]] = {
    "UnauthorizedError": UnauthorizedError,
    "InvalidArgumentsError": InvalidRequestError,
    "ResourceNotFoundError": NotFoundError,
    "ComponentNotFoundError": NotFoundError,
    "ConflictError": ConflictError,
    "FailedUpdateConditionCheckError": ConflictError,
    "ServiceError": ServiceRefusedError,
}
_UNSUPPORTED: Final = "not supported by Greengrass"
"""The classic nucleus's ``DefaultOperationHandler``: a ``ServiceError`` like every other but for its words."""

_NOT_EVERYWHERE: Final = frozenset(
    {
        "SubscribeToComponentUpdates",
        "DeferComponentUpdate",
        "SubscribeToValidateConfigurationUpdates",
        "SendConfigurationValidityReport",
        "GetSecretValue",
    }
)
"""The lite nucleus answers an operation that it does not know with a ``ServiceError`` without words, which can mean
anything with those that it does know."""


def nucleus_error(request: Request[Any], *, error: str, message: str) -> NucleusError:
    """What an answer means.

    Args:
        request: To what.
        error: The answer's type; empty for an answer that names none, which is one to an unknown operation.
        message: The nucleus's words; through the SDK, the lite one's are lost.
    """
    is_unknown = error == "ServiceError" and not message and request.operation in _NOT_EVERYWHERE
    if is_unknown or not error or (error == "ServiceError" and _UNSUPPORTED in message):
        return UnsupportedError(f"{request.what}: this nucleus does not support it", error=error)
    said = f"{error}: {message}" if message else error
    remedy = ""
    if error == "UnauthorizedError":
        remedy = f"grant aws.greengrass#{request.operation} on {request.subject} in the recipe's accessControl"
    return _KINDS.get(error, NucleusError)(f"{request.what}: {said}", error=error, remedy=remedy)
