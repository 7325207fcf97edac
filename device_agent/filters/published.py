"""The model that was published beside a running process, else the one that ships.

```
<folder>/current ─▶ <version>/level-8.tflite, level-16.tflite …, level.card.json
```
The link is read anew before every batch of scans, so that a new model is taken without a restart. Where several places
may publish, the first that has anything counts.

Not here: publishing (``device_agent.greengrass.published_model``, ``device_agent.fleet.targets.model``).
"""

import logging
from pathlib import Path
from typing import Final

from device_agent.errors import ModelError
from device_agent.filters.model import LevelModel
from device_agent.filters.signature import VARIANTS

MODELS: Final = "models"
"""Folder below the state folder, for models that jobs bring."""

CURRENT: Final = "current"
NONE_PUBLISHED: Final = ""

logger = logging.getLogger(__name__)


class PublishedModels:
    """See ``device_agent.filters.models.Models``.

    Args:
        links: Each to the folder of the version that counts; the first that is there does.
    """

    def __init__(self, *links: Path) -> None:
        self._links = links

    def version(self) -> str:
        """See ``Models``: the folder the link leads to; empty for the model that ships."""
        for link in self._links:
            try:
                return str(link.parent / link.readlink())
            except OSError:
                continue
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
        return LevelModel.load(Path(version) / file_for(channels), channels)  # one version, not through the link


def file_for(channels: int) -> str:
    """Name of the smallest model file that takes so many channels, or of the largest there is."""
    fitting = [capacity for capacity in VARIANTS if channels <= capacity]
    return f"level-{min(fitting, default=max(VARIANTS))}.tflite"
