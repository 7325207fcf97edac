"""What an operation of a nucleus can answer instead of a result.

NucleusIpcError      sent to the component as an error of the service's model
└── NotModelledError  an operation that the model does not have: the stream ends without a typed error
BrokerError          IoT Core cannot be reached: a message may be sent again
└── RefusedError     it was reached, and said no
"""

from twin.errors import TwinError


class NucleusIpcError(Exception):
    """An error of the model, for the component that asked.

    Args:
        kind: Its shape without prefix, as ``ServiceError``.
        message: For the component; the lite nucleus leaves many of them empty.
    """

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class NotModelledError(NucleusIpcError):
    """The operation is in no version of the model."""


class BrokerError(TwinError):
    """IoT Core cannot be reached, or went before it acknowledged."""


class RefusedError(BrokerError):
    """IoT Core does not take this message or this subscription, however often it is asked."""
