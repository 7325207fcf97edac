"""The connection to the nucleus that started this process, from what it left in the environment.

Not here: whether a document asks for it (``device_agent.uplink.choosing``).
"""

import os
from collections.abc import Callable
from typing import Final

from device_agent.errors import ConfigError
from device_agent.ipc.kept import KeptNucleus
from device_agent.ipc.wire import Wire

SOCKET_VARIABLE: Final = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
TOKEN_VARIABLE: Final = "SVCUID"  # noqa: S105 - a name
CLIENT_VARIABLE: Final = "THRESHER_IPC"
"""Which client: ``sdk`` (also when it is not set) or ``thin``; a recipe's ``Setenv`` gives it."""


def inside_greengrass() -> bool:
    """Whether a nucleus started this process."""
    return SOCKET_VARIABLE in os.environ


def open_nucleus(on_denied: Callable[[], None]) -> KeptNucleus:
    """The one connection of this process, not yet opened. The path may be relative: do not change the folder before.

    Args:
        on_denied: Called once when the nucleus refuses our token: the process must end, and it starts us again.

    Raises:
        ConfigError: No nucleus started this process, or there is no such client.
    """
    for name in (SOCKET_VARIABLE, TOKEN_VARIABLE):
        if not os.environ.get(name):
            raise ConfigError(f"{name} is not set", remedy="start this component by the nucleus, not by hand")
    wire = _wire(os.environ.get(CLIENT_VARIABLE) or "sdk", os.environ[SOCKET_VARIABLE], os.environ[TOKEN_VARIABLE])
    return KeptNucleus(wire, on_denied=on_denied)


def _wire(client: str, socket_path: str, token: str) -> Wire:
    """Loads only what is used: the SDK takes eight mebibytes."""
    if client == "sdk":
        from device_agent.ipc.sdk import SdkWire  # noqa: PLC0415 - see above

        return SdkWire(socket_path, token)
    if client == "thin":
        from device_agent.ipc.thin import ThinWire  # noqa: PLC0415 - see above

        return ThinWire(socket_path, token)
    raise ConfigError(f"{CLIENT_VARIABLE} is {client!r}", remedy="set it to sdk or to thin, or leave it out")
