"""The model that a deployment of ``io.thresher.EdgeModel`` published, else the one that ships.

```
work/io.thresher.EdgeModel/current ─▶ <version>/level-8.tflite, level-16.tflite …, level.card.json
```
The link is read anew before every batch of scans, so that a new model is taken without a restart. A document that
names a model wins: it is the operator's word for this one device.

Not here: publishing (``device_agent.greengrass.published_model``).
"""

import logging
from pathlib import Path
from typing import Final

from device_agent.condenser import ConfiguredModel, Models
from device_agent.config import GatewayConfig
from device_agent.errors import ModelError
from device_agent.filters.model import LevelModel
from device_agent.filters.signature import VARIANTS
from device_agent.greengrass.place import EDGE_MODEL, Place
from device_agent.greengrass.published_model import CURRENT

NONE_PUBLISHED: Final = ""

logger = logging.getLogger(__name__)


def models_of(config: GatewayConfig, place: Place) -> Models:
    """What filters of this component use."""
    path = config.model_path()
    return ConfiguredModel(path) if path else PublishedModels(place.work_of(EDGE_MODEL) / CURRENT)


class PublishedModels:
    """See ``device_agent.condenser.Models``.

    Args:
        link: To the folder of the version that counts.
    """

    def __init__(self, link: Path) -> None:
        self._link = link

    def version(self) -> str:
        """See ``Models``: the folder the link leads to; empty for the model that ships."""
        try:
            return str(self._link.readlink())
        except OSError:
            return NONE_PUBLISHED

    def begin(self, channels: int) -> LevelModel:
        """See ``Models``; where the published one cannot be used, the one that ships is."""
        try:
            return self.open(channels)
        except ModelError as exc:
            logger.error("model.refused", extra={"why": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
            return LevelModel.load(None, channels)

    def open(self, channels: int) -> LevelModel:
        """See ``Models``."""
        version = self.version()
        if version == NONE_PUBLISHED:
            return LevelModel.load(None, channels)
        folder = self._link.parent / version  # not through the link: card and file must be of one version
        return LevelModel.load(folder / file_for(channels), channels)


def file_for(channels: int) -> str:
    """Name of the smallest model file that takes so many channels, or of the largest there is."""
    fitting = [capacity for capacity in VARIANTS if channels <= capacity]
    return f"level-{min(fitting, default=max(VARIANTS))}.tflite"
