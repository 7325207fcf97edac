"""The connection to the nucleus that started this process, from what it left in the environment.

Not here: whether a document asks for it (``device_agent.uplink.choosing``).
"""

import contextlib
import os
from collections.abc import Callable
from typing import Final

from device_agent.errors import ConfigError
from device_agent.ipc.kept import RESUBSCRIBE_EVERY_S, KeptNucleus
from device_agent.ipc.wire import Wire

SOCKET_VARIABLE: Final = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
TOKEN_VARIABLE: Final = "SVCUID"  # noqa: S105 - a name
CLIENT_VARIABLE: Final = "THRESHER_IPC"
"""Which client: ``sdk`` (also when it is not set) or ``thin``; a recipe's ``Setenv`` gives it."""

RENEW_VARIABLE: Final = "THRESHER_IPC_RENEW_S"
"""How often a subscription that stands is begun anew, seconds; see ``RESUBSCRIBE_EVERY_S``."""


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
    return KeptNucleus(wire, on_denied=on_denied, resubscribe_every_s=_renew_s(os.environ.get(RENEW_VARIABLE, "")))


def _renew_s(said: str) -> float:
    if not said:
        return RESUBSCRIBE_EVERY_S
    with contextlib.suppress(ValueError):
        if (seconds := float(said)) >= 1:
            return seconds
    raise ConfigError(f"{RENEW_VARIABLE} is {said!r}", remedy="set it to seconds, at least 1, or leave it out")


def _wire(client: str, socket_path: str, token: str) -> Wire:
    """Loads only what is used: the SDK takes eight mebibytes."""
    if client == "sdk":
        from device_agent.ipc.sdk import SdkWire  # noqa: PLC0415 - see above

        return SdkWire(socket_path, token)
    if client == "thin":
        from device_agent.ipc.thin import ThinWire  # noqa: PLC0415 - see above

        return ThinWire(socket_path, token)
    raise ConfigError(f"{CLIENT_VARIABLE} is {client!r}", remedy="set it to sdk or to thin, or leave it out")
