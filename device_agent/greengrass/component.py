"""A component's process: its place, the one connection to the nucleus, and an end in time.

```
SIGTERM ─▶ stages drain (3.2 s) ─▶ the connection ends ─▶ exit 0          after 4 s the process ends whatever hangs
a refused token ─▶ the same ─▶ exit 1: the nucleus starts it again, with another token
```
Exit status: 0 asked to end, 1 failed, 2 the configuration cannot work.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from device_agent.errors import ConfigError, ThresherError, UplinkError
from device_agent.greengrass.exclusion import sole_set
from device_agent.greengrass.place import Place, read_place
from device_agent.greengrass.sharing import Client
from device_agent.ipc.opening import open_nucleus
from device_agent.logs import configure_logging
from device_agent.machine import Machine, this_machine
from device_agent.supervisor import stop_on_signals

ENDS_WITHIN_S: Final = 4.0
"""Of SIGTERM; the classic nucleus kills after five (``Exec.gracefulShutdownTimeout``)."""

logger = logging.getLogger(__name__)


class Inside(NamedTuple):
    """What a component has.

    Attributes:
        place: Where it runs.
        client: Of the nucleus, open.
        machine: Clocks and fingerprint.
        stop: Set when it is to end.
    """

    place: Place
    client: Client
    machine: Machine
    stop: threading.Event


Work = Callable[[Inside], None]
"""Returns soon after ``stop`` is set."""


def main(component: str, work: Work) -> int:
    """Runs a component in this process until its nucleus ends it; returns the exit status."""
    configure_logging()
    logging.getLogger("awsiot").setLevel(logging.WARNING)  # it says every connect and disconnect; so do we
    stop, ended = stop_on_signals(), threading.Event()
    threading.Thread(target=_end_in_time, args=(stop, ended), name="end-in-time", daemon=True).start()
    try:
        _run(read_place(component, os.environ, Path.cwd()), work, stop)
    except ThresherError as exc:
        logger.error("component.failed", extra={"component": component, "why": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
        return 2 if isinstance(exc, ConfigError) else 1
    finally:
        ended.set()
        sys.stderr.flush()
    return 0


def _run(place: Place, work: Work, stop: threading.Event) -> None:
    denied = threading.Event()

    def end() -> None:
        denied.set()
        stop.set()

    with sole_set(place):
        client = Client(open_nucleus(on_denied=end))
        client.open()
        try:
            work(Inside(place, client, this_machine(), stop))
        finally:
            client.close()
    if denied.is_set():
        raise UplinkError("the nucleus refused our token", remedy="nothing: it starts this component again")


def _end_in_time(stop: threading.Event, ended: threading.Event) -> None:
    """What is accepted is on the disk already, so an end like a power cut costs nothing but unsaid words."""
    stop.wait()
    if not ended.wait(ENDS_WITHIN_S):
        logger.error("component.hung", extra={"threads": [thread.name for thread in threading.enumerate()]})
        sys.stderr.flush()
        os._exit(1)
