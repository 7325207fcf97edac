"""Which uplink a document asks for, on the machine it is on.

Under a nucleus only the nucleus connects: two clients with one id take the session from each other, for ever.
"""

from collections.abc import Callable

from device_agent.config import UplinkConfig
from device_agent.errors import ConfigError
from device_agent.ipc.opening import SOCKET_VARIABLE, inside_greengrass, open_nucleus
from device_agent.ipc.port import Nucleus
from device_agent.uplink.greengrass import GreengrassUplink
from device_agent.uplink.port import Uplink


def choose_uplink(
    config: UplinkConfig, client_id: str, *, on_denied: Callable[[], None], nucleus: Nucleus | None = None
) -> Uplink:
    """The uplink, not yet connected.

    Args:
        config: As the document says.
        client_id: The gateway's id.
        on_denied: Called when a nucleus refuses our token: the process must end, and it starts us again.
        nucleus: The process's connection to it, where there is one already; it then stays open when the uplink closes.

    Raises:
        ConfigError: The document asks for what this place cannot give.
    """
    if config.type == "mqtt":
        if inside_greengrass():
            raise ConfigError(
                "`$.uplink.type` is `mqtt`, but a Greengrass nucleus started this process and is connected itself",
                remedy="write `uplink: {type: greengrass}`",
            )
        from device_agent.uplink.mqtt5 import Mqtt5Uplink  # noqa: PLC0415 - megabytes that a component does not need

        return Mqtt5Uplink(config, client_id=client_id)
    if nucleus is not None:
        return GreengrassUplink(nucleus, is_shared=True)
    if not inside_greengrass():
        raise ConfigError(
            f"`$.uplink.type` is `greengrass`, but no nucleus started this process ({SOCKET_VARIABLE} is not set)",
            remedy="deploy it as a component, or give endpoint, certificate, private_key and ca",
        )
    return GreengrassUplink(open_nucleus(on_denied))
