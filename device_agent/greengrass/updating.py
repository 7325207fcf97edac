"""Carries updates that jobs bring to a device with a nucleus: models, where no deployment brings them.

```
order.json ─▶ machine on a thread, loaded when there is an order ─▶ <work>/models/current ─▶ the component that filters
                     └── probe ◀───────────────────────────────────────────────── run-status.json ◀─┘
```
A phase that hangs ends the process: the nucleus starts it again, and the machine goes on as after a kill.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contract.jobs import Kind
from device_agent.config import GatewayConfig
from device_agent.fleet.probe import reading
from device_agent.fleet.probe.look import Look, Sensed
from device_agent.fleet.probe.watch import WorkProbe
from device_agent.fleet.targets.model import ModelTarget
from device_agent.fleet.update.errors import HopelessError
from device_agent.fleet.update.orders import UPDATE_FOLDER, is_wanted
from device_agent.greengrass.ownership import refusal
from device_agent.greengrass.place import EDGE_FILTER, GATEWAY, Place
from device_agent.greengrass.published_model import CARD, RefusedError, checked

if TYPE_CHECKING:
    from device_agent.fleet.update.machine import Machine
    from device_agent.fleet.update.port import Target

_TICK_S: Final = 0.5
_FILTERING: Final = (GATEWAY, EDGE_FILTER)

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def updating(config: GatewayConfig, place: Place) -> Iterator[None]:
    """Carries updates as long as the block runs."""
    stop = threading.Event()
    thread = threading.Thread(target=_Carrier(config, place).work, args=[stop], name="updates")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def is_as_stated(folder: Path) -> None:
    """Compares models with their card. This component has nothing to run them with: whoever filters tries them.

    Raises:
        HopelessError: They are not what it states.
    """
    try:
        for _ in checked(folder, (folder / CARD).read_bytes()):
            pass
    except (RefusedError, OSError, ValueError, KeyError) as exc:
        raise HopelessError(f"the model cannot be used: {exc}", remedy="bundle the files of one build") from exc


class _Carrier:
    def __init__(self, config: GatewayConfig, place: Place) -> None:
        self._config, self._place = config, place
        self._probe = WorkProbe(self._look, config.fleet.probe)
        self._machine: Machine | None = None

    def work(self, stop: threading.Event) -> None:
        worker: threading.Thread | None = None
        while not stop.wait(_TICK_S):
            self._probe.tick()
            if worker is None and is_wanted(self._place.work / UPDATE_FOLDER):
                worker = self._begun(stop)
            if self._machine is not None and self._machine.is_overdue():
                logger.error("update.hung")
                os._exit(1)
        if worker is not None:
            worker.join()

    def _begun(self, stop: threading.Event) -> threading.Thread:
        from device_agent.fleet.trust.gateway import gateway_trust  # noqa: PLC0415 - costs memory that idle devices keep
        from device_agent.fleet.update.bootstrap import in_thread, update_machine  # noqa: PLC0415 - same

        owned: tuple[Kind, ...] = tuple(kind for kind in ("model",) if not refusal(self._place, kind))
        targets: dict[Kind, Target] = {kind: ModelTarget(self._place.work, is_as_stated) for kind in owned}
        self._machine = update_machine(
            self._config,
            self._place.work,
            trust=gateway_trust(self._config),
            targets=targets,
            probe=self._probe,
            episode_open=self._is_episode_open,
        )
        return in_thread(self._machine, stop)

    def _look(self) -> Look:
        sensed = self._sensed()
        used = reading.used(sensed.pid) if sensed is not None else None
        return Look(at_s=time.monotonic(), sensed=sensed, used={"run": used} if used is not None else {})

    def _sensed(self) -> Sensed | None:
        """What the component that filters says; one set of components runs at a time."""
        said = (reading.sensed(self._place.work_of(component)) for component in _FILTERING)
        return next((each for each in said if each is not None), None)

    def _is_episode_open(self) -> bool:
        sensed = self._sensed()
        return sensed is not None and sensed.episode_open
