"""The connection to the nucleus that started this process, from what it left in the environment.

Not here: whether a document asks for it (``device_agent.uplink.choosing``).
"""

import os
from collections.abc import Callable
from typing import Final

from device_agent.errors import ConfigError
from device_agent.ipc.kept import KeptNucleus

SOCKET_VARIABLE: Final = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
TOKEN_VARIABLE: Final = "SVCUID"  # noqa: S105 - a name


def inside_greengrass() -> bool:
    """Whether a nucleus started this process."""
    return SOCKET_VARIABLE in os.environ


def open_nucleus(on_denied: Callable[[], None]) -> KeptNucleus:
    """The one connection of this process, not yet opened. The path may be relative: do not change the folder before.

    Args:
        on_denied: Called once when the nucleus refuses our token: the process must end, and it starts us again.

    Raises:
        ConfigError: No nucleus started this process.
    """
    token = os.environ.get(TOKEN_VARIABLE, "")
    for name in (SOCKET_VARIABLE, TOKEN_VARIABLE):
        if not os.environ.get(name):
            raise ConfigError(f"{name} is not set", remedy="start this component by the nucleus, not by hand")
    from device_agent.ipc.sdk import SdkWire  # noqa: PLC0415 - tens of milliseconds and MiB that only this needs

    return KeptNucleus(SdkWire(os.environ[SOCKET_VARIABLE], token), on_denied=on_denied)
