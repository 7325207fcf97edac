"""A configuration as a tree whose leaves know when they were set; rules as functions of values.

```
{"sensor": {"rate_hz": Leaf(10, ms), "channels": Leaf([1, 2], ms)}}        a list is a leaf
```
Sources: classic ``componentmanager/KernelConfigResolver.java`` (``resolveConfigurationToApply``) and
``config/Topics.java``; lite ``modules/ggconfigd/src/db_interface.c``.
Not here: whose tree it is, and its file (``configuration``).
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

KeyPath = tuple[str, ...]
DEFAULT_MS: Final = 1
"""Recipes' defaults are as old as can be: they fill what is missing, and never replace."""


class Leaf(NamedTuple):
    """A value and the Unix milliseconds it was set at."""

    value: object
    ms: int


Tree: TypeAlias = dict[str, "Leaf | Tree"]


def find(tree: Tree, path: KeyPath) -> Leaf | Tree | None:
    """What is there; the tree itself at the empty path."""
    node: Leaf | Tree | None = tree
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def plain(node: Leaf | Tree) -> object:
    """Values only."""
    return node.value if isinstance(node, Leaf) else {key: plain(child) for key, child in node.items()}


def newest_ms(node: Leaf | Tree) -> int:
    """When the last of its leaves was set; 0 for none."""
    if isinstance(node, Leaf):
        return node.ms
    return max((newest_ms(child) for child in node.values()), default=0)


def leaves(node: Leaf | Tree, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Leaf]]:
    """Every leaf and where it is."""
    if isinstance(node, Leaf):
        yield path, node
        return
    for key, child in node.items():
        yield from leaves(child, (*path, key))


def merged(tree: Tree, values: Mapping[str, object], ms: int) -> Tree:
    """The tree with these values where nothing newer stands; a map takes a leaf's place, and the other way round."""
    result: Tree = dict(tree)
    for key, value in values.items():
        old = result.get(key)
        if isinstance(value, Mapping):
            if isinstance(old, Leaf) and old.ms > ms:
                continue
            result[key] = merged(old if isinstance(old, dict) else {}, value, ms)
        elif old is None or newest_ms(old) <= ms:
            result[key] = Leaf(value, ms)
    return result


def filled(tree: Tree, defaults: Mapping[str, object]) -> Tree:
    """The tree with a recipe's defaults where it has nothing."""
    result: Tree = dict(tree)
    for key, value in defaults.items():
        old = result.get(key)
        if isinstance(value, Mapping):
            if old is None or isinstance(old, dict):
                result[key] = filled(old or {}, value)
        elif old is None:
            result[key] = Leaf(value, DEFAULT_MS)
    return result


def without(tree: Tree, path: KeyPath) -> Tree:
    """The tree without what is there; everything goes at the empty path."""
    if not path:
        return {}
    result: Tree = dict(tree)
    head, rest = path[0], path[1:]
    child = result.get(head)
    if not rest:
        result.pop(head, None)
    elif isinstance(child, dict):
        result[head] = without(child, rest)
    return result


def differences(old: Tree, new: Tree) -> list[KeyPath]:
    """Where a leaf came, went or has another value."""
    before = {path: leaf.value for path, leaf in leaves(old)}
    after = {path: leaf.value for path, leaf in leaves(new)}
    came = [path for path, value in after.items() if path not in before or before[path] != value]
    return came + [path for path in before if path not in after]


def pointer(written: str) -> KeyPath:
    """A JSON pointer (RFC 6901) as the keys it names; empty for the whole.

    Raises:
        ValueError: It does not begin with a slash.
    """
    if not written:
        return ()
    if not written.startswith("/"):
        raise ValueError(f"{written!r} is no JSON pointer: it must be empty or begin with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in written[1:].split("/"))


def dump(node: Leaf | Tree) -> object:
    """As JSON keeps it: a leaf is a list of its value and its time."""
    return [node.value, node.ms] if isinstance(node, Leaf) else {key: dump(child) for key, child in node.items()}


def load(node: Mapping[str, object]) -> Tree:
    """What ``dump`` wrote.

    Raises:
        TypeError, ValueError: It did not.
    """
    tree: Tree = {}
    for key, child in node.items():
        if isinstance(child, dict):
            tree[key] = load(child)
        elif isinstance(child, list):
            value, ms = child
            tree[key] = Leaf(value, int(ms))
        else:
            raise TypeError(f"{key} is neither a mapping nor a value with its time")
    return tree
