"""For which machines a manifest is.

Sources: AWS IoT Greengrass component recipe reference (platform keys); greengrass-lite ``ggl-recipe/src/recipe.c``.
"""

from collections.abc import Iterator
from typing import Final

from operations.publishing.document import Node
from operations.publishing.findings import Finding
from operations.publishing.reading import Recipe

_ARCHITECTURES: Final = ("amd64", "x86", "aarch64", "arm", "riscv64")
_OTHER_NAMES: Final = {
    "x86_64": "amd64", "x64": "amd64", "i386": "x86", "arm64": "aarch64", "armv7l": "arm", "armv8l": "aarch64",
}  # fmt: skip
_SYSTEMS: Final = ("linux", "windows", "darwin", "all")
_RUNTIMES: Final = ("aws_nucleus", "aws_nucleus_classic", "aws_nucleus_lite")
_ANY: Final = ("", "*", "all")


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    earlier: list[Node] = []
    for manifest in recipe.manifests():
        platform = manifest.node.get("Platform")
        yield from _values(recipe, platform)
        if not platform.get("runtime").there and platform.get("os").text in (*_ANY, "linux"):
            at = manifest.node.entry("Platform") or manifest.node
            yield recipe.finding("lite-runtime", at, "no `runtime` under Platform", remedy='runtime: "*"')
        if any(_covers(one, platform) for one in earlier):
            said = "an earlier manifest takes every machine this one is for"
            yield recipe.finding("manifest-unreachable", manifest.node, said, remedy="put the narrower one first")
        earlier.append(platform)


def _values(recipe: Recipe, platform: Node) -> Iterator[Finding]:
    for key in ("os", "architecture", "runtime"):
        entry = platform.entry(key)
        if entry and entry.key != key:
            lite = recipe.lite
            yield recipe.finding("key-case", entry, f"`{entry.key}`", remedy=f"write `{key}`", weak=not lite)
    architecture = platform.get("architecture")
    if not _is_known(architecture, _ARCHITECTURES):
        remedy = _OTHER_NAMES.get(architecture.text.lower(), f"one of {', '.join(_ARCHITECTURES)}")
        yield recipe.finding("architecture", architecture, f"`{architecture.text}`", remedy=remedy)
    for node, known in ((platform.get("os"), _SYSTEMS), (platform.get("runtime"), _RUNTIMES)):
        if not _is_known(node, known):
            yield recipe.finding("value", node, f"`{node.text}`", remedy=f"one of {', '.join(known)}, or *")


def _is_known(node: Node, known: tuple[str, ...]) -> bool:
    """Nothing, everything, a pattern, or one of these."""
    return not node.there or node.text in (*known, "*") or (node.text.startswith("/") and node.text.endswith("/"))


def _covers(wide: Node, narrow: Node) -> bool:
    """Whether every machine of the second is one of the first."""
    every = {entry.key for entry in (*wide.entries, *narrow.entries)}
    return all(wide.get(key).text in (*_ANY, narrow.get(key).text) and _runtime(wide, narrow) for key in every)


def _runtime(wide: Node, narrow: Node) -> bool:
    """A manifest without ``runtime`` is not for lite, so it does not cover one that is."""
    return wide.get("runtime").there or not narrow.get("runtime").there
