"""Updates by jobs under a nucleus: the filter's model and a layer of configuration, never what a deployment owns.

| thing | its owner | what a job for it gets |
|---|---|---|
| application | deployments | REJECTED |
| model, where ``io.thresher.EdgeModel`` published one | deployments | REJECTED |
| model elsewhere | jobs | taken by the gateway's filters with their next scans |
| configuration: a key that the component's configuration sets | deployments | REJECTED, with the key |
| configuration: any other key | jobs | under the component's configuration, over files it extends |

What a deployment sets later wins: filters look at ``io.thresher.EdgeModel`` first, and the nucleus's keys lie on top.
Not here: the machine (``device_agent.fleet.update``), the same without a nucleus (``device_agent.supervising``).
"""

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contract.jobs import Kind
from contract.manifest import Manifest
from device_agent.config import GatewayConfig
from device_agent.config.layers import Layer, merged, spelt
from device_agent.config.reading import DELIVERED, delivered_layers
from device_agent.errors import ConfigError, ModelError
from device_agent.filters.card import check_folder
from device_agent.fleet.probe import reading
from device_agent.fleet.probe.look import Look
from device_agent.fleet.probe.watch import WorkProbe
from device_agent.fleet.targets.configuration import ConfigurationTarget
from device_agent.fleet.targets.model import ModelTarget
from device_agent.fleet.update.errors import HopelessError
from device_agent.fleet.update.port import Target
from device_agent.fleet.update.wanted import is_wanted
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.place import EDGE_FILTER, EDGE_MODEL, GATEWAY, Place
from device_agent.greengrass.published_model import CURRENT
from device_agent.ipc.errors import NucleusError
from device_agent.ipc.port import Nucleus
from device_agent.uplink.port import Deliver

if TYPE_CHECKING:
    from device_agent.fleet.update.machine import Machine

_LOOK_EVERY_S: Final = 1.0
_JOIN_S: Final = 2.0
_TRY_EVERY_S: Final = 60.0
"""A machine that ended by a defect is put together anew, no more often than this."""

_SENSING: Final = (GATEWAY, EDGE_FILTER)

logger = logging.getLogger(__name__)


class JobsModel(ModelTarget):
    """A model that jobs own, as long as no deployment does.

    The fleet agent carries no model runtime, so what does not load is found out by those who filter: they refuse it,
    go on by the last good one, and the probe says so.

    Args:
        place: Of the fleet agent.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place.work)
        self._published = place.work_of(EDGE_MODEL) / CURRENT

    def stage(self, folder: Path, manifest: Manifest) -> None:
        """See ``Target``."""
        if self._published.is_symlink():
            raise HopelessError(f"the model of this gateway is a deployment's: {EDGE_MODEL} published one")
        del manifest
        try:
            check_folder(folder)
        except ModelError as exc:
            raise HopelessError(f"the model cannot be used: {exc}", remedy=exc.remedy) from exc


class JobsConfiguration(ConfigurationTarget):
    """A layer of keys that no deployment sets.

    Args:
        nucleus: Holds what deployments set.
        place: Of the fleet agent.
    """

    def __init__(self, nucleus: Nucleus, place: Place) -> None:
        super().__init__(place.work, place.work)
        self._nucleus = nucleus
        self._place = place

    def stage(self, folder: Path, manifest: Manifest) -> None:
        """See ``Target``."""
        del manifest
        path = folder / DELIVERED.name
        try:
            layers = delivered_layers(path)
            if not layers:
                raise HopelessError(f"no {path.name} in the bundle", remedy="put the layer at the top of its content")
            for component in _SENSING:
                self._check(component, path, layers[0])
        except (ConfigError, NucleusError) as exc:
            raise HopelessError(f"the configuration cannot be used: {exc}", remedy=exc.remedy) from exc

    def _check(self, component: str, path: Path, layer: Layer) -> None:
        place = self._place._replace(component=component, work=self._place.work_of(component))
        if not place.work.is_dir():
            return  # it was never deployed here
        documents = Documents(self._nucleus, place, of_another=True)
        values = documents.values()
        for key, origin in merged([layer, Layer(component, values)]).origins.items():
            if layer.source in origin.over:
                raise HopelessError(f"`{spelt(key)}` is a deployment's: the configuration of {component} sets it")
        documents.check(values, delivered=path)


def look_at(place: Place) -> Look:
    """The sensing component, whichever is deployed."""
    said = next((each for name in _SENSING if (each := reading.sensed(place.work_of(name))) is not None), None)
    used = reading.used(said.pid) if said is not None and said.pid else None
    return Look(at_s=time.monotonic(), sensed=said, used={"run": used} if used else {})


class JobsUpdates:
    """The update machine beside the fleet agent's jobs, loaded while there is an order.

    Args:
        config: The fleet agent's document.
        nucleus: See ``JobsConfiguration``.
        place: Of the fleet agent.
    """

    def __init__(self, config: GatewayConfig, nucleus: Nucleus, place: Place) -> None:
        self._config, self._place = config, place
        self._targets: dict[Kind, Target] = {
            "model": JobsModel(place),
            "configuration": JobsConfiguration(nucleus, place),
        }
        self._probe = WorkProbe(lambda: look_at(place), config.fleet.probe)
        self._machine: Machine | None = None

    @property
    def counters(self) -> Mapping[str, int]:
        """See ``Beside``: its journal says it all."""
        return {}

    def hears(self) -> Mapping[str, Deliver]:
        """See ``Beside``: jobs hear for it."""
        return {}

    def run(self, stop: threading.Event) -> None:
        """See ``Beside``."""
        worker: threading.Thread | None = None
        begun_s = -_TRY_EVERY_S
        while not stop.wait(_LOOK_EVERY_S):
            self._probe.tick()
            is_idle = worker is None or not worker.is_alive()
            is_due = time.monotonic() >= begun_s + _TRY_EVERY_S
            if is_idle and is_due and is_wanted(self._place.work / "update"):
                begun_s, self._machine = time.monotonic(), None
                worker = threading.Thread(target=self._work, args=[stop], name="update", daemon=True)
                worker.start()
            if self._machine is not None and self._machine.is_overdue():
                logger.error("update.hung")
                os._exit(1)  # the nucleus starts this component again, and the machine goes on as after a kill
        if worker is not None:
            worker.join(_JOIN_S)

    def _work(self, stop: threading.Event) -> None:
        from device_agent.fleet.trust.gateway import gateway_trust  # noqa: PLC0415 - see the class
        from device_agent.fleet.update.bootstrap import update_machine  # noqa: PLC0415 - same

        try:
            self._machine = update_machine(
                self._config,
                self._place.work,
                trust=gateway_trust(self._config),
                targets=self._targets,
                probe=self._probe,
                episode_open=self._is_episode_open,
            )
            self._machine.work(stop)
        except Exception:  # the top of a thread: jobs go on, and it is tried again
            logger.exception("update.failed")

    def _is_episode_open(self) -> bool:
        said = look_at(self._place).sensed
        return said is not None and said.episode_open
