"""The files of a gateway's document, read and put together.

Not here: how they are merged (``layers``), what the result may hold (``document``).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from device_agent.config.layers import Layer, Merged, merged, spelt
from device_agent.errors import ConfigError

LAYERS: Final = ("fleet", "type", "site")
"""Keys of ``extends``, the lowest first; above them all is the document that names them."""

_OWN: Final = ("gateway", "extends")
_PLACE = re.compile(r"`(?P<place>\$[^`]*)`$")
_FIELD = re.compile(r"unknown field `(?P<field>[^`]*)`")


class Document(NamedTuple):
    """What was read.

    Attributes:
        merged: One document, with the origin of every value.
        files: Of its layers, the gateway's own last.
    """

    merged: Merged
    files: tuple[Path, ...]

    def source_of(self, problem: str) -> str:
        """The file that holds what a message of msgspec's complains of; the gateway's own where no value is there."""
        place = _PLACE.search(problem)
        if place is None:
            return str(self.files[-1])
        spot = place["place"] + (f".{found['field']}" if (found := _FIELD.search(problem)) else "")
        pattern = re.compile(re.escape(spot).replace(re.escape("[...]"), r"\.[^.\[]+") + r"(?=$|[.\[])")
        holders = {origin.source for path, origin in self.merged.origins.items() if pattern.match(spelt(path))}
        in_order = [str(file) for file in self.files if str(file) in holders]
        return in_order[-1] if in_order else str(self.files[-1])


def read(path: Path) -> Document:
    """Reads a gateway's document and the layers that it extends.

    Raises:
        ConfigError: A file cannot be read or is no YAML mapping, or a layer holds what is the gateway's own.
    """
    own = _layer(path)
    below = lower_layers(own.values, path.absolute().parent, source=str(path))
    files = (*(Path(layer.source) for layer in below), path)
    return Document(merged([*below, own]), files)


def lower_layers(values: Mapping[str, Any], folder: Path, *, source: str) -> list[Layer]:
    """The documents that a document's ``extends`` names, the lowest first; paths are taken from the folder."""
    extends = values.get("extends") or {}
    if not isinstance(extends, Mapping):
        raise ConfigError(f"{source}: expected a mapping - at `$.extends`", remedy=f"use the keys {', '.join(LAYERS)}")
    return [_lower(folder / str(extends[name])) for name in LAYERS if extends.get(name)]


def _lower(path: Path) -> Layer:
    layer = _layer(path)
    for key in _OWN:
        if key in layer.values:
            raise ConfigError(
                f"{path}: `{key}` is the gateway's own - at `$.{key}`", remedy="move it to the gateway's document"
            )
    return layer


def _layer(path: Path) -> Layer:
    try:
        values = msgspec.yaml.decode(path.read_bytes())
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror or exc}", remedy="name a readable file") from exc
    except msgspec.DecodeError as exc:
        raise ConfigError(f"{path}: {' '.join(str(exc).split())}", remedy="mend the YAML at the line named") from exc
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a mapping of keys", remedy="see docs/gateway.md for an example")
    return Layer(str(path), values)
