"""What can go wrong with the twin; all of it is for the person who started it.

TwinError            ends the demo with exit code 1
└── UsageError       the call itself cannot work (a busy port, a wrong number): exit code 2, nothing was started
"""

from device_agent.errors import ConfigError, ThresherError


class TwinError(ThresherError):
    """A part of the twin did not start, did not work or did not stop."""


class UsageError(TwinError, ConfigError):
    """What was asked for cannot be done; nothing has been started."""
