"""A mapping of a YAML or JSON document that knows where it stands, so that every error names its place.

Rule kept here: the lite nucleus finds a key only as it is spelt, the classic one in any case.
Sources: greengrass-lite ``ggl-recipe/src/recipe.c`` (exact look-ups); nucleus ``RecipeLoader`` (any case).
Not here: which keys there are (``recipe``).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Self

import msgspec

from twin.errors import TwinError


class RecipeError(TwinError):
    """A recipe that the nucleus would not take."""


class Place:
    """One mapping.

    Args:
        values: Its content.
        path: Where it stands, e.g. ``recipe.yaml: $.Manifests[0]``.
        exact: Keys are found only as they are spelt.
    """

    def __init__(self, values: Mapping[str, object], path: str, *, exact: bool) -> None:
        self.values = values
        self.path = path
        self._exact = exact
        self._spelt = {str(key) if exact else str(key).lower(): str(key) for key in values}

    @classmethod
    def read(cls, data: bytes, source: str, *, exact: bool) -> Self:
        """A whole document; YAML unless the source's name ends in ``.json``.

        Raises:
            RecipeError: It is neither, or no mapping.
        """
        try:
            values = msgspec.json.decode(data) if PurePath(source).suffix == ".json" else msgspec.yaml.decode(data)
        except msgspec.DecodeError as exc:
            raise RecipeError(f"{source}: {exc}", remedy="correct the document's syntax") from exc
        if not isinstance(values, dict):
            raise RecipeError(f"{source}: not a mapping", remedy="begin with RecipeFormatVersion and ComponentName")
        return cls(values, f"{source}: $", exact=exact)

    def __bool__(self) -> bool:
        return bool(self.values)

    def find(self, key: str) -> object | None:
        """What a key holds, or ``None``."""
        spelt = self._spelt.get(key if self._exact else key.lower())
        return None if spelt is None else self.values[spelt]

    def misspelt(self, key: str) -> str | None:
        """A key that differs from this one in case only."""
        return next((str(found) for found in self.values if found != key and str(found).lower() == key.lower()), None)

    def text(self, key: str) -> str | None:
        """Of a key that holds text; a date or a number as it was written is none.

        Raises:
            RecipeError: It holds something else.
        """
        value = self.find(key)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(key, "text", value)

    def mapping(self, key: str) -> Self:
        """Of a key that holds a mapping; empty where there is none.

        Raises:
            RecipeError: It holds something else.
        """
        value = self.find(key)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(key, "a mapping", value)
        return type(self)(value or {}, f"{self.path}.{key}", exact=self._exact)

    def each(self, key: str) -> Iterator[Self]:
        """Of a key that holds a list of mappings.

        Raises:
            RecipeError: It holds something else.
        """
        value = self.find(key) or []
        if not isinstance(value, list):
            raise self.wrong(key, "a list", value)
        for number, item in enumerate(value):
            if not isinstance(item, dict):
                raise self.wrong(f"{key}[{number}]", "a mapping", item)
            yield type(self)(item, f"{self.path}.{key}[{number}]", exact=self._exact)

    def wrong(self, key: str, wanted: str, value: object) -> RecipeError:
        """The error of a key that holds another type than it should."""
        shown = json.dumps(value, default=str)[:40]
        return RecipeError(f"{self.path}.{key}: expected {wanted}, found {shown}", remedy=f"make it {wanted}")

    def missing(self, key: str) -> RecipeError:
        """The error of a key that must be there."""
        other = self.misspelt(key)
        hint = f"spell it `{key}`, not `{other}`: keys are case-sensitive" if other else f"add `{key}`"
        return RecipeError(f"{self.path}: no `{key}`", remedy=hint)
