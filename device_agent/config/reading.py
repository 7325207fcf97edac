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

DELIVERED: Final = Path("configuration") / "current" / "gateway-layer.yaml"
"""Below the state folder: the layer that the last update of kind ``configuration`` brought."""

SHADOW_FILE: Final = "shadow.json"
_OWN: Final = ("gateway", "extends")
_NEVER_FROM_AFAR: Final = (*_OWN, "state_dir", "uplink", "fleet")
_MOST_VALUES: Final = 100_000
"""A document is a few hundred; YAML's anchors can make billions of a few lines, or a value that contains itself."""

_PLACE = re.compile(r"`(?P<place>\$[^`]*)`$")
_ITEM = re.compile(r"\$\.(?P<key>\w+)\[(?P<index>\d+)\]")
_FIELD = re.compile(r"unknown field `(?P<field>[^`]*)`")


class Document(NamedTuple):
    """What was read.

    Attributes:
        merged: One document, with the origin of every value.
        layers: It was made of, the lowest first.
        shadow: Where the shadow's layer is kept, also if there is none yet; ``None`` where the document asks for none.
        delivered: Where an update puts its layer, also if there is none yet.
    """

    merged: Merged
    layers: tuple[Layer, ...]
    shadow: Path | None = None
    delivered: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Of the layers, also those which are not there yet."""
        found = tuple(Path(layer.source) for layer in self.layers)
        awaited = (each for each in (self.delivered, self.shadow) if each is not None and each not in found)
        return (*found, *awaited)

    def told(self, problem: str) -> str:
        """A message of msgspec's with the file that it is about, and the place in that file.

        Where no file holds a value at the place, because one is missing, it is the gateway's own.
        """
        found = _PLACE.search(problem)
        if found is None:
            return f"{self.layers[-1].source}: {problem}"
        holder = self._holder(problem, found["place"])
        return f"{holder.source}: {problem.replace(found['place'], self._place_in(holder, found['place']))}"

    def _holder(self, problem: str, place: str) -> Layer:
        spot = place + (f".{field['field']}" if (field := _FIELD.search(problem)) else "")
        pattern = re.compile(re.escape(spot).replace(re.escape("[...]"), r"\.[^.\[]+") + r"(?=$|[.\[])")
        holders = {origin.source for path, origin in self.merged.origins.items() if pattern.match(spelt(path))}
        return next((layer for layer in reversed(self.layers) if layer.source in holders), self.layers[-1])

    def _place_in(self, layer: Layer, place: str) -> str:
        """Items that were merged by name stand elsewhere in the list of their own file."""
        found = _ITEM.match(place)
        if found is None:
            return place
        index = int(found["index"])
        name = _name(self.merged.values[found["key"]][index])
        own = layer.values.get(found["key"])
        if isinstance(own, Mapping):
            return place.replace(found[0], f"$.{found['key']}.{name}", 1)
        names = [_name(item) for item in own or ()]
        if name is None or name not in names or names[index : index + 1] == [name]:
            return place
        return place.replace(found[0], f"$.{found['key']}[{names.index(name)}]", 1)


def _name(item: object) -> object:
    return item.get("name") if isinstance(item, Mapping) else None


def read(path: Path, *, desired: Mapping[str, Any] | None = None, delivered: Path | None = None) -> Document:
    """Reads a gateway's document, the layers that it extends, what an update brought, and what its shadow lays over it.

    Args:
        path: Of the document.
        desired: In place of the shadow's layer that is kept.
        delivered: File in place of the layer that the last update brought.

    Raises:
        ConfigError: A file cannot be read or is no YAML mapping, or a layer holds what is the gateway's own.
    """
    own, folder = _layer(path), path.absolute().parent
    below = lower_layers(own.values, folder, source=str(path))
    whole = merged([*below, own])
    brought = delivered or _delivered_file(whole.values, folder)
    layers = (*below, *delivered_layers(brought), own)
    whole = merged(layers)
    shadow = _shadow_file(whole.values, folder)
    top = None if shadow is None else desired_layer(shadow, desired)
    if top is None:
        return Document(whole, layers, shadow, brought)
    return Document(merged([*layers, top]), (*layers, top), shadow, brought)


def desired_layer(path: Path, desired: Mapping[str, Any] | None = None) -> Layer | None:
    """What a shadow lays over a document: what is kept at the path, or what is given instead; ``None`` for nothing.

    Raises:
        ConfigError: It cannot be read, or holds what no shadow may change.
    """
    if desired is None and not path.exists():
        return None
    return _restrained(_layer(path) if desired is None else Layer(str(path), desired), _BY_SHADOW)


def _delivered_file(values: Mapping[str, Any], folder: Path) -> Path | None:
    state = values.get("state_dir")
    return folder / state / DELIVERED if isinstance(state, str) else None


def delivered_layers(path: Path | None) -> tuple[Layer, ...]:
    """An update's layer counts more than the site's, and less than what the gateway's own document says."""
    if path is None or not path.exists():
        return ()
    return (_restrained(_layer(path), _BY_UPDATE),)


def _shadow_file(values: Mapping[str, Any], folder: Path) -> Path | None:
    uplink, state = values.get("uplink"), values.get("state_dir")
    if isinstance(uplink, Mapping) and uplink.get("shadow") and isinstance(state, str):
        return folder / state / SHADOW_FILE
    return None


class _Afar(NamedTuple):
    whose: str
    remedy: str


_BY_SHADOW: Final = _Afar("a shadow's", "take it out of the shadow's desired state; change the document on the gateway")
_BY_UPDATE: Final = _Afar("an update's", "take it out of the bundle; change the document on the gateway")


def _restrained(layer: Layer, afar: _Afar) -> Layer:
    """What comes from afar changes what a gateway does, not who it is, where it keeps things, how it is reached.

    Nor whom it obeys (``fleet``): a key that may be changed from afar would open every other one.
    """
    for key in _NEVER_FROM_AFAR:
        if key in layer.values:
            raise ConfigError(
                f"{layer.source}: `{key}` is not {afar.whose} to change - at `$.{key}`", remedy=afar.remedy
            )
    return layer


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
    if not _is_bounded(values):
        raise ConfigError(f"{path}: more than {_MOST_VALUES:,} values", remedy="do anchors refer to each other?")
    return Layer(str(path), values)


def _is_bounded(values: object) -> bool:
    waiting, seen = [values], 0
    while waiting and seen <= _MOST_VALUES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return seen <= _MOST_VALUES
