"""Every part of the document, found in the types themselves, so that a new part need not be listed anywhere."""

from collections.abc import Iterator

import msgspec
from msgspec import inspect


def parts_of(root: type[msgspec.Struct]) -> tuple[type[msgspec.Struct], ...]:
    """The Struct and all that may stand within it, each once, the outer ones first."""
    found: dict[type[msgspec.Struct], None] = {}
    _gather(inspect.type_info(root), found)
    return tuple(found)


def _gather(kind: inspect.Type, found: dict[type[msgspec.Struct], None]) -> None:
    if isinstance(kind, inspect.StructType):
        if kind.cls in found:
            return
        found[kind.cls] = None
    for inner in _inner(kind):
        _gather(inner, found)


def _inner(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        yield from (field.type for field in kind.fields)
    elif isinstance(kind, inspect.UnionType):
        yield from kind.types
    elif isinstance(kind, inspect.Metadata):
        yield kind.type
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        yield kind.item_type
