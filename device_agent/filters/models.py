"""Where filters get their model: the one that the document names, or another place.

Not here: models that are published while a process runs (``published``), a model's file (``model``).
"""

from pathlib import Path
from typing import Protocol

from device_agent.filters.model import LevelModel


class Models(Protocol):
    """Where filters get their model. Any thread may ask."""

    def version(self) -> str:
        """Another one whenever there is another model; cheap enough to ask several times a second."""

    def begin(self, channels: int) -> LevelModel:
        """The model to begin with for so many channels: the present one where it can be used.

        Raises:
            ModelError: There is none that can.
        """

    def open(self, channels: int) -> LevelModel:
        """The present model.

        Raises:
            ModelError: It cannot be used.
        """


class ConfiguredModel:
    """The model that the document names, or the one that ships; it stays.

    Args:
        path: Of the file; ``None`` for the shipped one.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def version(self) -> str:
        """See ``Models``."""
        return str(self._path or "")

    def begin(self, channels: int) -> LevelModel:
        """See ``Models``."""
        return self.open(channels)

    def open(self, channels: int) -> LevelModel:
        """See ``Models``."""
        return LevelModel.load(self._path, channels)
