"""The filter's model: swapped hot, taken by the sensing process with its next scans, no sample missed."""

import sys
from pathlib import Path
from typing import Final

from contract.manifest import Manifest
from device_agent.fleet.targets.trying import attempt
from device_agent.fleet.update import links
from device_agent.fleet.update.errors import HopelessError

_MODELS: Final = "models"  # ``device_agent.filters.published``, which would load numpy here
NAME: Final = "level"
_TRY_WITHIN_S: Final = 120.0


class ModelTarget:
    """See ``Target``.

    Args:
        state_dir: The state folder.
    """

    def __init__(self, state_dir: Path) -> None:
        self._root = state_dir / _MODELS

    def releases(self, name: str) -> Path:
        """See ``Target``."""
        if name != NAME:
            raise HopelessError(f"no model is called {name} here", remedy=f"the filter's is called {NAME}")
        self._root.mkdir(mode=0o755, parents=True, exist_ok=True)
        return self._root

    def stage(self, folder: Path, manifest: Manifest) -> None:
        """See ``Target``: every file is loaded and asked, in a process that may die of it."""
        del manifest
        command = (sys.executable, "-m", "device_agent.fleet.targets.trial_model", str(folder))
        attempt(command, what="the model cannot be used", within_s=_TRY_WITHIN_S)

    def active(self, name: str) -> str:
        """See ``Target``."""
        return links.active(self.releases(name))

    def activate(self, name: str, release: str) -> None:
        """See ``Target``; whoever filters looks at the link before every batch of scans."""
        links.point(self.releases(name), release)
