"""Several documents become one, and every value remembers whose it is.

```
fleet ─▶ type ─▶ site ─▶ the gateway's own        later wins
```
As in a JSON merge patch (RFC 7396): mappings are merged key by key, ``null`` takes away what is below, anything
else is replaced as a whole. One addition: a list whose items have a ``name`` (sensors, rules, outputs) is merged by
it, so that a site changes one sensor's rate without repeating the others; a mapping by name may stand for such a list.

Not here: files (``reading``), what the result may hold (``document``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Of a value: keys, and indexes of lists."""


class Layer(NamedTuple):
    """One document.

    Attributes:
        source: Where it came from, as errors and origins name it.
        values: As decoded.
    """

    source: str
    values: Mapping[str, Any]


class Origin(NamedTuple):
    """Whose a value is.

    Attributes:
        source: The layer that set it.
        over: Layers below that had set it too, the lowest first.
    """

    source: str
    over: tuple[str, ...] = ()


class Merged(NamedTuple):
    """The one document.

    Attributes:
        values: Plain values.
        origins: Of every value that is neither a mapping nor a list with something in it.
    """

    values: dict[str, Any]
    origins: dict[Path, Origin]


class _Leaf(NamedTuple):
    value: Any
    origin: Origin


class _Named(dict[str, Any]):
    """A list's items by their names, in order."""


def merged(layers: Iterable[Layer]) -> Merged:
    """All of them, the first lowest."""
    tree: Any = {}
    for layer in layers:
        tree = _merge(tree, layer.values, layer.source)
    origins: dict[Path, Origin] = {}
    return Merged(_plain(tree, (), origins), origins)


def spelt(path: Path) -> str:
    """As error messages spell a place: ``$.sensors[0].rate_hz``."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _merge(below: Any, value: Any, source: str) -> Any:  # noqa: ANN401 - a document's values are of any type
    if isinstance(below, _Named):
        return _merge_named(below, value, source)
    if isinstance(below, dict) and isinstance(value, Mapping):
        return _merge_keys(below, value, source)
    return _tree(value, source, tuple(_sources(below)))


def _merge_keys(below: dict[str, Any], value: Mapping[str, Any], source: str) -> dict[str, Any]:
    result = type(below)(below)
    for key, item in value.items():
        if item is None and key in result:
            del result[key]
        else:
            result[key] = _merge(result[key], item, source) if key in result else _tree(item, source)
    return result


def _merge_named(below: _Named, value: Any, source: str) -> Any:  # noqa: ANN401 - see _merge
    items = _by_name(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
    if not isinstance(items, Mapping):
        return _tree(value, source)
    complete = {
        name: {"name": name, **item} if isinstance(item, Mapping) and name not in below else item
        for name, item in items.items()
    }
    return _merge_keys(below, complete, source)


def _tree(value: Any, source: str, over: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - see _merge
    if isinstance(value, Mapping) and value:
        return {key: _tree(item, source) for key, item in value.items()}
    if isinstance(value, list) and value:
        named = _by_name(value)
        if named is not None:
            return _Named({name: _tree(item, source) for name, item in named.items()})
        return [_tree(item, source) for item in value]
    return _Leaf(value, Origin(source, over))


def _by_name(items: Sequence[Any]) -> dict[str, Any] | None:
    """``None`` where an item has no name, or two have the same: such a list is one value."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    return dict(zip([str(name) for name in names], items, strict=True))


def _sources(tree: Any) -> Iterator[str]:  # noqa: ANN401 - see _merge
    if isinstance(tree, _Leaf):
        yield from (*tree.origin.over, tree.origin.source)


def _plain(tree: Any, path: Path, origins: dict[Path, Origin]) -> Any:  # noqa: ANN401 - see _merge
    if isinstance(tree, _Leaf):
        origins[path] = tree.origin
        return tree.value
    if isinstance(tree, _Named):
        tree = list(tree.values())
    if isinstance(tree, list):
        return [_plain(item, (*path, index), origins) for index, item in enumerate(tree)]
    return {key: _plain(item, (*path, key), origins) for key, item in tree.items()}
