"""One layer of the gateway's document: over the site's, under the gateway's own, taken by running processes."""

import sys
from pathlib import Path
from typing import Final

from contract.manifest import Manifest
from device_agent.config.reading import DELIVERED
from device_agent.fleet.targets.trying import attempt
from device_agent.fleet.update import links
from device_agent.fleet.update.errors import HopelessError

NAME: Final = "thresher"
_TRY_WITHIN_S: Final = 60.0


class ConfigurationTarget:
    """See ``Target``.

    Args:
        state_dir: The state folder.
        document: The gateway's own document.
    """

    def __init__(self, state_dir: Path, document: Path) -> None:
        self._root = state_dir / DELIVERED.parts[0]
        self._document = document

    def releases(self, name: str) -> Path:
        """See ``Target``."""
        if name != NAME:
            raise HopelessError(f"no configuration is called {name} here", remedy=f"it is called {NAME}")
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._root

    def stage(self, folder: Path, manifest: Manifest) -> None:
        """See ``Target``: the whole document with this layer is read and checked, in a process of its own."""
        del manifest
        layer = folder / DELIVERED.name
        if not layer.is_file():
            raise HopelessError(f"no {layer.name} in the bundle", remedy="put the layer at the top of its content")
        module = "device_agent.fleet.targets.trial_configuration"
        command = (sys.executable, "-m", module, str(self._document), str(layer))
        attempt(command, what="the configuration cannot be used", within_s=_TRY_WITHIN_S)

    def active(self, name: str) -> str:
        """See ``Target``."""
        return links.active(self.releases(name))

    def activate(self, name: str, release: str) -> None:
        """See ``Target``; running processes look at the document's files once a second."""
        links.point(self.releases(name), release)
