"""Why a bundle is not trusted: always one named check."""

from typing import Final, Literal

from device_agent.errors import UpdateError

Check = Literal[
    "layout",  # not a bundle: parts, their order, sizes or bytes between them
    "document",  # a part is no JSON of its form
    "root",  # the chain of roots does not hold, or its last one is over
    "signature",  # too few keys of the role signed it
    "content",  # not the bytes that the manifest names
    "expired",  # its time is over, or the root's
    "early",  # made in the future, says a clock that is steered
    "counter",  # older than what was committed here
    "downgrade",  # a lower version without the signed exception
    "target",  # for other gateways
    "requires",  # this gateway is not what it needs
]

_PASSING: Final = frozenset({"layout", "content", "early"})
"""What a damaged download or a clock just set looks like too: the same again may pass."""


class UntrustedError(UpdateError):
    """A bundle that must not be used.

    Attributes:
        check: Which check it failed.
        passing: Whether the same bundle, fetched anew, may pass: then the job failed, else it is rejected.
    """

    def __init__(self, check: Check, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{check}: {message}", remedy=remedy)
        self.check: Final = check
        self.passing: Final = check in _PASSING
