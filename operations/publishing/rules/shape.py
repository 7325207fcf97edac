"""Keys, types and values: what the format knows, in the case that lite reads.

Sources: AWS IoT Greengrass component recipe reference; greengrass-lite ``docs/RECIPE_SUPPORT_CHANGES.md`` (keys are
case sensitive there; classic and gdk take any case).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from operations.publishing.document import Entry, Node
from operations.publishing.findings import Finding
from operations.publishing.reading import STEPS, Recipe
from operations.publishing.rules.spelling import nearest

Keys = Mapping[str, str]
"""Key to the kind of its value; ``any`` for whatever."""

ROOT: Final[Keys] = {
    "RecipeFormatVersion": "text",
    "ComponentName": "text",
    "ComponentVersion": "text",
    "ComponentDescription": "text",
    "ComponentPublisher": "text",
    "ComponentType": "text",
    "ComponentSource": "text",
    "ComponentDependencies": "mapping",
    "ComponentConfiguration": "mapping",
    "Manifests": "list",
    "Lifecycle": "mapping",
}
CONFIGURATION: Final[Keys] = {"DefaultConfiguration": "mapping"}
DEPENDENCY: Final[Keys] = {"VersionRequirement": "text", "DependencyType": "text"}
MANIFEST: Final[Keys] = {
    "Name": "text", "Platform": "mapping", "Lifecycle": "mapping", "Selections": "list", "Artifacts": "list",
}  # fmt: skip
ARTIFACT: Final[Keys] = {
    "Uri": "text", "Unarchive": "text", "Permission": "mapping", "Digest": "text", "Algorithm": "text",
}  # fmt: skip
PERMISSION: Final[Keys] = {"Read": "text", "Execute": "text"}
STEP: Final[Keys] = {
    "Script": "text", "Timeout": "any", "Setenv": "mapping", "RequiresPrivilege": "any", "Skipif": "text",
    "BootstrapOnRollback": "any",
}  # fmt: skip
LIFECYCLE: Final[Keys] = {**dict.fromkeys(STEPS, "any"), "Setenv": "mapping"}

_REQUIRED: Final = ("RecipeFormatVersion", "ComponentName", "ComponentVersion", "Manifests")
_NAME: Final = re.compile(r"[a-zA-Z0-9\-_.]{1,128}")
_VERSION: Final = re.compile(
    r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(-[0-9A-Za-z.\-]+)?(\+[0-9A-Za-z.\-]+)?"
)
_FORMAT: Final = "2020-01-25"
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "Unarchive": ("NONE", "ZIP"),
    "Read": ("NONE", "OWNER", "ALL"),
    "Execute": ("NONE", "OWNER", "ALL"),
    "DependencyType": ("HARD", "SOFT"),
    "RequiresPrivilege": ("true", "false"),
}
_SIZE: Final = 16_000
_LITE_SIZE: Final = 8_196
_LONGEST_VERSION: Final = 64


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    yield from _sizes(recipe)
    yield from _twice(recipe)
    if recipe.root.kind != "mapping":
        yield recipe.finding(
            "wrong-type", recipe.root, "a recipe is a mapping", remedy="begin with RecipeFormatVersion"
        )
        return
    yield from _keys(recipe, recipe.root, ROOT)
    for key in _REQUIRED:
        if not recipe.root.get(key).there:
            yield recipe.finding("missing-key", recipe.root, f"no `{key}`", remedy=f"add `{key}`")
    yield from _identity(recipe)
    yield from _keys(recipe, recipe.root.get("ComponentConfiguration"), CONFIGURATION)
    for entry in recipe.root.get("ComponentDependencies").entries:
        yield from _keys(recipe, entry.node, DEPENDENCY)
    for manifest in recipe.manifests():
        yield from _manifest(recipe, manifest.node)


def _sizes(recipe: Recipe) -> Iterator[Finding]:
    if recipe.size > _SIZE:
        yield recipe.finding("size", recipe.root, f"{recipe.size} bytes", remedy="move scripts into an artifact")
    elif recipe.size > _LITE_SIZE and recipe.lite:
        yield recipe.finding("lite-size", recipe.root, f"{recipe.size} bytes", remedy="move scripts into an artifact")


def _twice(recipe: Recipe) -> Iterator[Finding]:
    for node in recipe.root.walk():
        seen: dict[str, Entry] = {}
        for entry in node.entries:
            if entry.key in seen:
                first = seen[entry.key].spot.line
                yield recipe.finding(
                    "duplicate-key", entry, f"`{entry.key}` is in line {first} already", remedy="keep one of them"
                )
            seen[entry.key] = entry


def _identity(recipe: Recipe) -> Iterator[Finding]:
    name, version = recipe.root.get("ComponentName"), recipe.root.get("ComponentVersion")
    if name.there and not _NAME.fullmatch(name.text):
        remedy = "letters, digits, `.`, `-` and `_`, at most 128"
        yield recipe.finding("component-name", name, f"`{name.text[:64]}`", remedy=remedy)
    text = version.text
    if version.there and (not _VERSION.fullmatch(text) or len(text) > _LONGEST_VERSION or version.kind != "text"):
        yield recipe.finding("component-version", version, f"`{text}`", remedy='three numbers, in quotes: "1.0.0"')
    written = recipe.root.get("RecipeFormatVersion")
    if written.there and written.text != _FORMAT:
        yield recipe.finding("format-version", written, f"`{written.text}`", remedy=f'write "{_FORMAT}"')


def _manifest(recipe: Recipe, node: Node) -> Iterator[Finding]:
    yield from _keys(recipe, node, MANIFEST)
    for artifact in node.get("Artifacts").items:
        yield from _keys(recipe, artifact, ARTIFACT)
        yield from _keys(recipe, artifact.get("Permission"), PERMISSION)


def _keys(recipe: Recipe, node: Node, keys: Keys) -> Iterator[Finding]:
    return check_keys(recipe, node, keys, lite=recipe.lite)


def check_keys(
    recipe: Recipe, node: Node, keys: Keys, *, lite: bool, unknown: str = "unknown-key"
) -> Iterator[Finding]:
    """Every key known (or what rule is broken), in the case that lite reads, with a value of its kind."""
    by_lower = {key.lower(): key for key in keys}
    for entry in node.entries:
        key = by_lower.get(entry.key.lower())
        if key is None:
            yield recipe.finding(unknown, entry, f"`{entry.key}`", remedy=nearest(entry.key, keys))
            continue
        if key != entry.key:
            yield recipe.finding("key-case", entry, f"`{entry.key}`", remedy=f"write `{key}`", weak=not lite)
        yield from _kind(recipe, entry, keys[key])
        yield from _value(recipe, entry, key)


def _kind(recipe: Recipe, entry: Entry, kind: str) -> Iterator[Finding]:
    found = entry.node.kind
    scalars = ("text", "number", "truth")
    if kind in ("any", found) or found == "nothing" or (kind == "text" and found in scalars):
        return
    yield recipe.finding(
        "wrong-type", entry, f"`{entry.key}` is a {found}, and belongs to be a {kind}", remedy=f"write a {kind}"
    )


def _value(recipe: Recipe, entry: Entry, key: str) -> Iterator[Finding]:
    allowed = _VALUES.get(key)
    if allowed and entry.node.text not in allowed:
        yield recipe.finding("value", entry.node, f"`{entry.node.text}`", remedy=f"one of {', '.join(allowed)}")
