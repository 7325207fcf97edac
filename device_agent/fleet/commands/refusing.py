"""Why a program is not run. None of it is cured by another try, so its job is rejected."""

from device_agent.errors import ThresherError


class RefusedError(ThresherError):
    """A program that may not be run here; the message says which one and what would allow it."""
