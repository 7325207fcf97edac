"""Which components there are, and what each is made from: ``gdk-config.json``, read once for all of them.

The file is valid for an unmodified gdk, which knows one component a project (``component``, the primary) and ignores
our own key ``components``. What a component *is* lies in its recipe, ``recipes/<name>.yaml``.
"""

from pathlib import Path
from typing import Final

import msgspec

from operations.publishing.errors import StagingError

CONFIG_FILE: Final = "gdk-config.json"


class Publish(msgspec.Struct, frozen=True, kw_only=True):
    """gdk's ``publish``."""

    bucket: str
    region: str


class Primary(msgspec.Struct, frozen=True, kw_only=True):
    """What a component's own ``gdk-config.json`` takes over; how gdk builds it differs there."""

    author: str
    version: str
    publish: Publish


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """What one of ours is made from.

    Attributes:
        source: Folder of its ``main.py``.
        packages: Our packages it imports.
        requirements: Distributions it imports, of ``requirements/gateway.lock``; all of them, none pulled in silently.
        cpu: Features its wheels need, by architecture, as ``/proc/cpuinfo`` names them.
    """

    source: str
    packages: list[str]
    requirements: list[str]
    cpu: dict[str, list[str]] = {}


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    component: dict[str, Primary]
    gdk_version: str
    components: dict[str, Component]

    @property
    def primary(self) -> tuple[str, Primary]:
        """The component that ``gdk`` at the root builds."""
        return next(iter(self.component.items()))


def load(root: Path) -> Catalogue:
    """Reads a checkout's ``gdk-config.json``.

    Raises:
        StagingError: It is not there or not what it should be.
    """
    path = root / CONFIG_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Catalogue)
    except OSError as exc:
        raise StagingError(f"{path}: {exc.strerror}", remedy="run this in a checkout") from exc
    except msgspec.DecodeError as exc:
        raise StagingError(f"{path}: {exc}", remedy="compare with docs/publish.md") from exc


def recipe_path(root: Path, component: str) -> Path:
    """Where a component's recipe lies."""
    return root / "recipes" / f"{component}.yaml"
