"""The demo's gateways together: started so that the live host calibrates on a calm machine, ended without loss.

```text
 start:  agents and replays ─▶ (they run) ─▶ the live host
 end:    sensing stops ─▶ spools drain until the cloud has stored all ─▶ agents stop
```
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

import psutil

from twin.cloud import Deployment
from twin.errors import TwinError
from twin.gateways import Gateway
from twin.plans import LIVE_ID, Plan

_START_S: Final = 60.0
_DRAIN_S: Final = 30.0
_POLL_S: Final = 0.1
_CALM_PERCENT: Final = 50.0
_CALM_STEP_S: Final = 0.5
_CALM_WITHIN_S: Final = 5.0


class Fleet:
    """A context manager: leaving it ends every gateway process.

    Args:
        plans: One per gateway.
        folder: Holds a folder per gateway.
    """

    def __init__(self, plans: Sequence[Plan], folder: Path) -> None:
        self.gateways = [Gateway(plan, folder / plan.gateway_id) for plan in plans]

    @property
    def faulty(self) -> list[str]:
        """Ids of the gateways whose recordings hold a fault."""
        return [gateway.gateway_id for gateway in self.gateways if gateway.plan.fault]

    def start(self, deployment: Deployment, stop: threading.Event) -> bool:
        """Provisions and starts all; returns when each senses and is connected.

        Args:
            deployment: Of the local cloud.
            stop: Ends the start early.

        Returns:
            Whether all run; ``False`` if ``stop`` was set meanwhile.

        Raises:
            TwinError: One did not start; the message holds the end of its log.
        """
        provisioner = deployment.provisioner()
        for gateway in self.gateways:
            device = provisioner.provision(gateway.gateway_id, gateway.folder / "identity")
            gateway.configure(deployment.endpoint, device, deployment.outputs.rule_name)
        for gateway in self.gateways:
            gateway.start_agent()
        replays = [gateway for gateway in self.gateways if gateway.gateway_id != LIVE_ID]
        for gateway in replays:
            gateway.start_run()
        live = [gateway for gateway in self.gateways if gateway.gateway_id == LIVE_ID]
        if not (self._ready(_connected, self.gateways, stop) and self._ready(_sensing, replays, stop)):
            return False
        wait_for_calm(stop)
        for gateway in live:
            gateway.start_run()
        return self._ready(_sensing, live, stop)

    def check(self) -> None:
        """Raises ``TwinError`` if a process of it has ended."""
        for gateway in self.gateways:
            gateway.check()

    def drain(self) -> list[str]:
        """Ends sensing, waits until every spool is empty, ends the agents; returns ids that did not empty."""
        for gateway in self.gateways:
            gateway.ask_run_to_end()
        for gateway in self.gateways:
            gateway.stop_run()
        full = self._wait_until_empty(since=time.time())
        for gateway in self.gateways:
            gateway.ask_agent_to_end()
        for gateway in self.gateways:
            gateway.stop_agent()
        return full

    def stop(self) -> None:
        """Ends every process, drained or not. A second call does nothing."""
        for gateway in self.gateways:
            gateway.ask_run_to_end()
            gateway.ask_agent_to_end()
        for gateway in self.gateways:
            gateway.stop_run()
            gateway.stop_agent()

    def _ready(self, done: Callable[[Gateway], bool], gateways: Sequence[Gateway], stop: threading.Event) -> bool:
        deadline = time.monotonic() + _START_S
        while not all(done(gateway) for gateway in gateways):
            self.check()
            if time.monotonic() > deadline:
                late = ", ".join(gateway.gateway_id for gateway in gateways if not done(gateway))
                raise TwinError(
                    f"{late}: not ready within {_START_S:.0f} s",
                    remedy="start with --keep and read the logs in the run folder",
                )
            if stop.wait(_POLL_S):
                return False
        return not stop.is_set()

    def _wait_until_empty(self, *, since: float) -> list[str]:
        deadline = time.monotonic() + _DRAIN_S
        while True:
            full = [gateway.gateway_id for gateway in self.gateways if not gateway.is_empty(since=since)]
            if not full or time.monotonic() > deadline:
                return full
            time.sleep(_POLL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def wait_for_calm(stop: threading.Event, timeout_s: float = _CALM_WITHIN_S) -> bool:
    """Waits until the machine is no longer busy with starting, at most ``timeout_s``; returns whether it is calm.

    A filter that calibrates while every core is busy takes that for normal.
    """
    deadline = time.monotonic() + timeout_s
    psutil.cpu_percent(interval=None)
    while not stop.wait(_CALM_STEP_S):
        if psutil.cpu_percent(interval=None) < _CALM_PERCENT:
            return True
        if time.monotonic() > deadline:
            return False
    return False


def _connected(gateway: Gateway) -> bool:
    status = gateway.agent_status()
    return status is not None and status.connected


def _sensing(gateway: Gateway) -> bool:
    status = gateway.run_status()
    return status is not None and status.samples > 0
