"""What a nucleus has deployed, on disk: after a restart it runs the same again.

One JSON file, ``<root>/deployed.json``, written whole and atomically after every deployment that changed something.
Not here: configuration (``configuration``), which has a file of its own.
"""

from pathlib import Path

import msgspec

from device_agent.files import atomic_write
from twin.errors import TwinError


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a nucleus.

    Attributes:
        roots: What was asked for: version or requirement by name.
        components: What runs because of it: version by name.
    """

    roots: dict[str, str] = {}
    components: dict[str, str] = {}


class DeployedFile:
    """Where it is kept.

    Args:
        root: Folder of the nucleus.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "deployed.json"

    def load(self) -> Deployed:
        """The last that was saved, or an empty one.

        Raises:
            TwinError: The file is none of ours.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Deployed)
        except FileNotFoundError:
            return Deployed()
        except msgspec.DecodeError as exc:
            raise TwinError(f"{self._path}: {exc}", remedy="name another --root, or remove the file") from exc

    def save(self, deployed: Deployed) -> None:
        """On disk when this returns."""
        atomic_write(self._path, msgspec.json.encode(deployed))
