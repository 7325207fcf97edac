"""Who may run beside whom: `Gateway` and the split set do the same work, so one of the two runs on a machine.

Each component holds a name in Linux's abstract socket namespace (unix(7)): both sets reach it whatever their folders'
owners are, and the kernel lets go of it however the process ends. A component that finds the other set's name held
refuses to start; where both start at once, the split set gives way.

Not here: two processes on one state folder (``device_agent.state``).
"""

import contextlib
import hashlib
import socket
import time
from collections.abc import Iterator
from typing import Final

from device_agent.errors import ConfigError
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, GATEWAY, SENSOR_READER, Place

SPLIT_SET: Final = (SENSOR_READER, EDGE_FILTER, EVENT_FORWARDER)
_GIVES_WAY_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.05


@contextlib.contextmanager
def sole_set(place: Place) -> Iterator[None]:
    """Holds the component's name.

    Raises:
        ConfigError: It runs already, or the other set does.
    """
    with _held(place):
        others = SPLIT_SET if place.component == GATEWAY else (GATEWAY,) if place.component in SPLIT_SET else ()
        patience_s = _GIVES_WAY_S if place.component == GATEWAY else 0.0
        if running := _running(others, place.nucleus, patience_s):
            raise ConfigError(
                f"{place.component} and {running} do the same work, and {running} runs on this machine",
                remedy=f"deploy either {GATEWAY} or the set {', '.join(SPLIT_SET)}",
            )
        yield


@contextlib.contextmanager
def _held(place: Place) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        try:
            held.bind(_address(place.component, place.nucleus))
        except OSError as exc:
            raise ConfigError(
                f"{place.component} already runs under this nucleus", remedy="end the other process first"
            ) from exc
        held.listen()
        yield


def _running(components: tuple[str, ...], nucleus: str, patience_s: float) -> str:
    """The first of them that still runs when patience ends."""
    end_s = time.monotonic() + patience_s
    while True:
        found = next((each for each in components if _is_held(_address(each, nucleus))), "")
        if not found or time.monotonic() >= end_s:
            return found
        time.sleep(_LOOK_EVERY_S)


def runs(component: str, nucleus: str) -> bool:
    """Whether a component runs under a nucleus now."""
    return _is_held(_address(component, nucleus))


def _is_held(address: bytes) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # noqa: FBT003 - the standard library's signature
        try:
            probe.connect(address)
        except ConnectionRefusedError:
            return False
        except BlockingIOError:
            return True  # so many have asked that the queue is full
        return True


def _address(component: str, nucleus: str) -> bytes:
    return f"\0thresher/{hashlib.sha256(nucleus.encode()).hexdigest()[:16]}/{component}".encode()
