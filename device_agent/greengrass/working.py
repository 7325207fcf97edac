"""The components that sense, filter and keep on this machine, as the fleet agent sees them from beside.

```
Gateway runs, or is deployed ─▶ its document         else ─▶ that of EdgeFilter, with the sensors of SensorReader
```
Jobs and shadows speak of *that* document and *its* folder; whom the gateway obeys (``fleet``) is the fleet agent's own.
Not here: what is done with it.
"""

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError
from device_agent.fleet.visibility.content import BROUGHT
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.exclusion import SPLIT_SET, runs
from device_agent.greengrass.place import EDGE_FILTER, EDGE_MODEL, FLEET_AGENT, GATEWAY, SENSOR_READER, Place
from device_agent.greengrass.published_model import CURRENT
from device_agent.ipc.errors import NucleusError
from device_agent.ipc.port import Nucleus

LOOK_EVERY_S: Final = 30.0

logger = logging.getLogger(__name__)


class Working:
    """Any thread.

    Args:
        nucleus: Holds the documents.
        place: Of the fleet agent.
        own: Its own document.
        look_every_s: A document is read at most so often.
    """

    def __init__(
        self, nucleus: Nucleus, place: Place, own: GatewayConfig, *, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._nucleus, self._place, self._own = nucleus, place, own
        self._look_every_s = look_every_s
        self._mutex = threading.Lock()
        self._known, self._due_s = own, float("-inf")

    def look(self) -> GatewayConfig:
        """As it is; the last one that could be had, at first our own, while none can."""
        with self._mutex:
            if time.monotonic() >= self._due_s:
                self._due_s = time.monotonic() + self._look_every_s
                try:
                    self._known = msgspec.structs.replace(self._read(), fleet=self._own.fleet)
                except (ConfigError, NucleusError) as exc:
                    logger.warning("working.unknown", extra={"reason": str(exc), "remedy": exc.remedy})
            return self._known

    def models(self) -> Sequence[Path]:
        """Folders of published models, the one that counts more first; see ``device_agent.greengrass.models``."""
        return self._place.work_of(EDGE_MODEL) / CURRENT, self._place.work_of(FLEET_AGENT) / BROUGHT

    def folders(self) -> Sequence[Path]:
        """Where processes say how they are: those of the work, and our own."""
        found = (Path(self.look().state_dir), self._place.work_of(SENSOR_READER), self._place.work)
        return [each for each in dict.fromkeys(found) if each.is_dir()]

    def _read(self) -> GatewayConfig:
        if self._is_split():
            sensors = self._document(SENSOR_READER).sensors
            return msgspec.structs.replace(self._document(EDGE_FILTER), sensors=sensors)
        return self._document(GATEWAY)

    def _document(self, component: str) -> GatewayConfig:
        place = self._place._replace(component=component, work=self._place.work_of(component))
        return Documents(self._nucleus, place, of_another=True).now()

    def _is_split(self) -> bool:
        if runs(GATEWAY, self._place.nucleus):
            return False
        if any(runs(each, self._place.nucleus) for each in SPLIT_SET):
            return True
        return not self._place.work_of(GATEWAY).is_dir() and self._place.work_of(EDGE_FILTER).is_dir()
