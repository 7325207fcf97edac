"""The stage that senses, or judges blocks that another process took: scans to accepted events.

It is the one that runs standalone (``device_agent.sensing``); here it ends sooner, because the classic nucleus kills
five seconds after SIGTERM, and says what the component around it counts.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Final

from device_agent.config import GatewayConfig
from device_agent.crew import Stage, what_sensing_needs
from device_agent.greengrass.models import models_of
from device_agent.greengrass.place import Place
from device_agent.line import OpenLines, SensorLines
from device_agent.machine import Machine
from device_agent.notice import Notice
from device_agent.sensing import RUN_STATUS_FILE, Parts, Sensing
from device_agent.spool.opening import open_spool
from device_agent.state import sole_user, state_folder

SENSING_ENDS_S: Final = 1.5


class Sense:
    """One generation after the other, each by its document.

    Args:
        place: Of the component.
        machine: Its clocks and fingerprint.
        lines: Where scans come from.
        beside: What the component says in its status and in Health.
    """

    def __init__(
        self, place: Place, machine: Machine, *, lines: OpenLines = SensorLines, beside: Callable[[], Notice]
    ) -> None:
        self._place = place
        self._machine = machine
        self._lines = lines
        self._beside = beside
        self._sensing: Sensing | None = None

    def stage(self) -> Stage:
        """For a crew."""
        return Stage("sense", what_sensing_needs, self._run)

    def busy(self) -> str:
        """Why a restart would disturb; empty where it would not."""
        return "an episode is open" if self._sensing is not None and self._sensing.has_open_episode else ""

    def _run(self, config: GatewayConfig, stop: threading.Event) -> None:
        folder = state_folder(config)
        parts = Parts(self._lines, models_of(config, self._place), self._beside, SENSING_ENDS_S)
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(sole_user(folder, "run"))
            spool = cleanup.enter_context(contextlib.closing(open_spool(config, self._machine.hardware)))
            self._sensing = Sensing(config, spool, None, clock=self._machine.clock, parts=parts)
            self._sensing.run(stop, folder / RUN_STATUS_FILE)
