"""A YAML or JSON document as a tree that knows where everything stands.

Not here: what the document means (``rules``).
"""

import json
import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import msgspec
import yaml

_QUOTED: Final = ("'", '"')
Kind = Literal["mapping", "list", "text", "number", "truth", "nothing"]


class Spot(NamedTuple):
    """A place in a file, both from 1."""

    line: int
    column: int


class SyntaxTroubleError(Exception):
    """The text is no document; ``spot`` says where it ceases to be one."""

    def __init__(self, message: str, spot: Spot) -> None:
        super().__init__(message)
        self.spot = spot


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One value.

    Attributes:
        spot: Where it begins.
        kind: What it is; ``text`` for what is written as such, or read as such.
        text: Of a scalar, as written, without quotes.
        quoted: Whether a scalar stands in quotes.
        block: Whether it is a text of several lines after ``|``.
        entries: Of a mapping.
        items: Of a list.
    """

    spot: Spot
    kind: Kind
    text: str = ""
    quoted: bool = False
    block: bool = False
    entries: tuple["Entry", ...] = ()
    items: tuple["Node", ...] = ()

    def entry(self, key: str) -> "Entry | None":
        """The last entry of this key, in whatever case."""
        found = [entry for entry in self.entries if entry.key.lower() == key.lower()]
        return found[-1] if found else None

    def get(self, *keys: str) -> "Node":
        """What lies there, in whatever case of the keys; a ``nothing`` at the nearest place where there is nothing."""
        node = self
        for key in keys:
            entry = node.entry(key)
            node = entry.node if entry else Node(spot=node.spot, kind="nothing")
        return node

    def within(self, offset: int) -> "Node":
        """The same node, standing where this character of its text stands."""
        before = self.text[:offset]
        if self.block:
            spot = Spot(self.spot.line + 1 + before.count("\n"), 1)
        else:
            spot = Spot(self.spot.line, self.spot.column + len(before) + self.quoted)
        return self if "\n" in self.text and not self.block else msgspec.structs.replace(self, spot=spot)

    @property
    def there(self) -> bool:
        """Whether it holds anything."""
        return self.kind != "nothing"

    @property
    def plain(self) -> object:
        """What it says, wherever it says it."""
        if self.kind == "mapping":
            return [(entry.key, entry.node.plain) for entry in self.entries]
        return [item.plain for item in self.items] if self.kind == "list" else (self.kind, self.text)

    def walk(self) -> Iterator["Node"]:
        """Itself and everything below."""
        yield self
        for below in (*(entry.node for entry in self.entries), *self.items):
            yield from below.walk()

    def leaves(self, key: str = "") -> Iterator[tuple[str, "Node"]]:
        """Every scalar below with the nearest key above it."""
        if not self.entries and not self.items:
            yield key, self
        for entry in self.entries:
            yield from entry.node.leaves(entry.key)
        for item in self.items:
            yield from item.leaves(key)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A key with its value."""

    key: str
    spot: Spot
    node: Node


def read(text: str, *, is_json: bool) -> Node:
    """The tree of a document.

    Raises:
        SyntaxTroubleError: It is none, or one that never ends.
    """
    if is_json:
        _check_json(text)
        text = re.sub(r"^\t+", lambda tabs: " " * len(tabs[0]), text, flags=re.MULTILINE)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        spot = Spot(mark.line + 1, mark.column + 1) if mark else Spot(1, 1)
        raise SyntaxTroubleError(str(exc.problem or exc.context), spot) from exc
    except yaml.YAMLError as exc:
        raise SyntaxTroubleError(str(exc), Spot(1, 1)) from exc
    if root is None:
        raise SyntaxTroubleError("the document is empty", Spot(1, 1))
    return _node(root, ())


def _check_json(text: str) -> None:
    """YAML takes more than JSON does."""
    try:
        json.loads(text)
    except json.JSONDecodeError as exc:
        raise SyntaxTroubleError(exc.msg, Spot(exc.lineno, exc.colno)) from exc


def _node(node: yaml.Node, above: tuple[int, ...]) -> Node:
    spot = Spot(node.start_mark.line + 1, node.start_mark.column + 1)
    if id(node) in above:
        raise SyntaxTroubleError("an alias leads back to itself", spot)
    within = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        entries = tuple(_entry(key, value, within) for key, value in node.value)
        return Node(spot=spot, kind="mapping", entries=entries)
    if isinstance(node, yaml.SequenceNode):
        return Node(spot=spot, kind="list", items=tuple(_node(item, within) for item in node.value))
    style = getattr(node, "style", None)
    quoted, block = style in _QUOTED, style == "|"
    return Node(spot=spot, kind=_kind(node), text=str(node.value), quoted=quoted, block=block)


def _entry(key: yaml.Node, value: yaml.Node, within: tuple[int, ...]) -> Entry:
    spot = Spot(key.start_mark.line + 1, key.start_mark.column + 1)
    return Entry(key=str(key.value), spot=spot, node=_node(value, within))


def _kind(node: yaml.Node) -> Kind:
    kinds: dict[str, Kind] = {"int": "number", "float": "number", "bool": "truth", "null": "nothing"}
    return kinds.get(str(node.tag).rpartition(":")[2], "text")
