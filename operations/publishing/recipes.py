"""A recipe as it is staged: another version, and only the manifests of the architectures that were built.

The text stays as it was written, comments included: a version is replaced in its line, a manifest is taken out by its
lines. Not here: whether a recipe is any good (``lint``).
"""

from collections.abc import Collection
from pathlib import Path

import yaml

from operations.publishing.errors import StagingError


def staged(path: Path, *, version: str, architectures: Collection[str]) -> str:
    """The recipe's text for a version and these architectures (by Greengrass's names).

    Raises:
        StagingError: It cannot be read, or has no manifest for one of them.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text)
    except (OSError, yaml.YAMLError) as exc:
        raise StagingError(f"{path}: {exc}", remedy="thresher components lint") from exc
    lines = text.splitlines(keepends=True)
    versioned = _entry(root, "ComponentVersion", path)
    lines[versioned.start_mark.line] = f'ComponentVersion: "{version}"\n'
    manifests = _entry(root, "Manifests", path).value
    found = {_architecture(manifest): manifest for manifest in manifests}
    if missing := sorted(set(architectures) - set(found)):
        raise StagingError(f"{path}: no manifest for {missing[0]}", remedy="add one, or choose another --arch")
    for architecture, manifest in found.items():
        if architecture not in architectures:
            for number in range(manifest.start_mark.line, manifest.end_mark.line):
                lines[number] = ""
    return "".join(lines)


def version_of(path: Path) -> str:
    """What a recipe says its version is."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise StagingError(f"{path}: {exc}", remedy="thresher components lint") from exc
    return str(_entry(root, "ComponentVersion", path).value)


def archive_name(component: str, architecture: str) -> str:
    """Of the archive that a recipe names."""
    return f"{component}-{architecture}.zip"


def _entry(node: yaml.Node | None, key: str, path: Path) -> yaml.Node:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                found: yaml.Node = value
                return found
    raise StagingError(f"{path}: no `{key}`", remedy="thresher components lint")


def _architecture(manifest: yaml.Node) -> str:
    platform = next((value for name, value in manifest.value if name.value == "Platform"), None)
    if platform is None:
        return ""
    return next((str(value.value) for name, value in platform.value if name.value == "architecture"), "")
