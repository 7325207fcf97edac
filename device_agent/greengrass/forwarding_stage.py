"""The stage that forwards the spool through the nucleus; standalone it is ``thresher agent``."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from device_agent.agent import STATUS_FILE, Agent
from device_agent.config import GatewayConfig
from device_agent.crew import Stage, what_forwarding_needs
from device_agent.desired import Desired, Judge
from device_agent.greengrass.sharing import Client
from device_agent.machine import Machine
from device_agent.spool.opening import open_spool
from device_agent.state import sole_user, state_folder
from device_agent.uplink.greengrass import GreengrassUplink
from device_agent.uplink.port import Uplink

DRAIN_S: Final = 1.5
"""A nucleus kills soon after it asked for the end; what is not sent then is sent after the start."""


class Forward:
    """The spool to the nucleus.

    Args:
        client: Of the nucleus.
        machine: Its clocks and fingerprint.
        layer: Where what the shadow wants is kept.
        judge: Says whether it can be used.
    """

    def __init__(self, client: Client, machine: Machine, *, layer: Path, judge: Judge) -> None:
        self._client, self._machine = client, machine
        self._layer, self._judge = layer, judge

    def stage(self) -> Stage:
        """For a crew."""
        return Stage("forward", what_forwarding_needs, self._run)

    def _run(self, config: GatewayConfig, stop: threading.Event) -> None:
        folder, uplink = state_folder(config), GreengrassUplink(self._client.share())
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(sole_user(folder, "agent"))
            spool = cleanup.enter_context(contextlib.closing(open_spool(config, self._machine.hardware)))
            beside = [*self._heeds_shadow(config, uplink)]
            agent = Agent(config, spool, uplink, clock=self._machine.clock, drain_s=DRAIN_S, beside=beside)
            agent.run(stop, folder / STATUS_FILE)

    def _heeds_shadow(self, config: GatewayConfig, uplink: Uplink) -> Iterator[Desired]:
        if config.uplink is not None and config.uplink.shadow:
            yield Desired(uplink, config.gateway, config.uplink.shadow, path=self._layer, judge=self._judge)
