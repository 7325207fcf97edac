"""The environment of a component's processes: what the nucleus says, and nothing of whoever started the emulator.

Sources: nucleus ``ShellRunner.java``, ``DeviceConfiguration.java``, ``IPCEventStreamService.java``; greengrass-lite
``recipe-runner/src/runner.c``, ``recipe2unit/src/unit_file_generator.c``.
Not here: ``Setenv`` of a recipe (``steps``); credentials of AWS, which no emulator has.
"""

import os
import sys
from pathlib import Path
from typing import Final

import msgspec

from twin.nucleus.recipe import Runtime

VERSIONS: Final = {"classic": "2.18.2", "lite": "2.6.0"}
"""What ``GGC_VERSION`` says."""

_KEPT: Final = ("LANG", "LC_ALL", "TZ")
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What a nucleus knows of its device.

    Attributes:
        thing: Its name in the registry of IoT Core.
        region: Of AWS.
        root_ca: File of the broker's root certificate, empty where the device is not provisioned.
    """

    thing: str
    region: str = "us-east-1"
    root_ca: str = ""


def environment(device: Device, *, runtime: Runtime, socket: Path, token: str, home: Path) -> dict[str, str]:
    """Of one process.

    Args:
        device: This one.
        runtime: Whose variables are set.
        socket: Of the IPC server.
        token: The component's; the server lets it in by this.
        home: Where programs that ask for a home write.
    """
    said = {
        "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT": str(socket),
        "SVCUID": token,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        "AWS_IOT_THING_NAME": device.thing,
        "AWS_REGION": device.region,
        "AWS_DEFAULT_REGION": device.region,
        "GG_ROOT_CA_PATH": device.root_ca,
        "GGC_VERSION": VERSIONS[runtime],
    }
    if runtime == "classic":
        said["AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH"] = str(socket)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"PATH": _path(), "HOME": str(home), **kept, **said}


def _path() -> str:
    """The starter's, without the virtual environment of the emulator itself: a component brings its own."""
    ours = {str(Path(sys.executable).parent), str(Path(sys.prefix) / "bin")}
    folders = os.environ.get("PATH", _SYSTEM_PATH).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if folder not in ours) or _SYSTEM_PATH
