"""What systemd is told, by its socket (sd_notify(3)); without one, nothing is."""

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Final

NOTIFY: Final = "NOTIFY_SOCKET"
WATCHDOG: Final = "WATCHDOG_USEC"


class ServiceManager:
    """Who started the supervisor. Any thread.

    Args:
        environment: Of the process.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get(NOTIFY, "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def tell(self, word: str) -> None:
        """``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``; it is not waited for, and never fails."""
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as to,
        ):
            to.sendto(word.encode(), self._address)
