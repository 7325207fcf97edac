"""Artifacts: addresses, and whether scripts use what is there.

A manifest that lists none is meant for local deployments, whose files are simply there. Lite copies those and unpacks
nothing (``ggdeploymentd/src/deployment_handler.c``: artifacts are fetched, compared and unpacked only for a component
with an ARN).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from operations.publishing.document import Node
from operations.publishing.findings import Finding
from operations.publishing.reading import Manifest, Recipe, Step

_URI: Final = re.compile(r"(s3|greengrass|docker|https?)[:/].+")
_USED: Final = re.compile(r"\{artifacts:(path|decompressedPath)\}/([^\s\"'/;&|<>()$*{}]+)(?=[\s\"'/;&|<>()]|$)")


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    for manifest in recipe.manifests():
        yield from _listed(recipe, manifest)
        for step in manifest.steps():
            yield from _used(recipe, manifest, step)
        yield from _on_disk(recipe, manifest)


def _file(artifact: Node) -> str:
    return artifact.get("Uri").text.rpartition("/")[2]


def _listed(recipe: Recipe, manifest: Manifest) -> Iterator[Finding]:
    names: set[str] = set()
    for artifact in manifest.artifacts:
        uri, name = artifact.get("Uri"), _file(artifact)
        if not uri.there:
            yield recipe.finding("missing-key", artifact, "an artifact without `Uri`", remedy="add `Uri`")
        elif not _URI.fullmatch(uri.text):
            remedy = "s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/FILE"
            yield recipe.finding("artifact-uri", uri, f"`{uri.text}`", remedy=remedy)
        elif name in names:
            yield recipe.finding("artifact-uri", uri, f"`{name}` twice", remedy="give them two names")
        names.add(name)
        unarchive = artifact.entry("Unarchive")
        if manifest.lite and unarchive and unarchive.node.text == "ZIP":
            remedy = "let a script unpack it, or know that local deployments need one"
            yield recipe.finding("lite-unarchive", unarchive, f"`{name}`", remedy=remedy)


def _used(recipe: Recipe, manifest: Manifest, step: Step) -> Iterator[Finding]:
    packed = {_file(one) for one in manifest.artifacts}
    unpacked = {
        re.sub(r"\.(zip|tar|tar\.gz|tgz)$", "", _file(one)) for one in manifest.artifacts if one.entry("Unarchive")
    }
    for found in _USED.finditer(step.script.text):
        there = packed if found[1] == "path" else unpacked
        if found[2] not in there:
            listed = ", ".join(sorted(there)) or "nothing"
            said = f"`{step.name}` uses {found[2]}, but there is {listed}"
            at = step.script.within(found.start())
            remedy = "list it under Artifacts, or correct the name"
            yield recipe.finding("artifact-missing", at, said, remedy=remedy, weak=not manifest.artifacts)


def _on_disk(recipe: Recipe, manifest: Manifest) -> Iterator[Finding]:
    """Of a recipe in ``recipes/`` beside ``artifacts/``, as a nucleus takes them without a cloud."""
    store = Path(recipe.path).parent.parent / "artifacts"
    if Path(recipe.path).parent.name != "recipes" or not store.is_dir():
        return
    folder = store / recipe.name / recipe.root.get("ComponentVersion").text
    for artifact in manifest.artifacts:
        if not (folder / _file(artifact)).is_file():
            said = f"{folder / _file(artifact)} is not there"
            yield recipe.finding("artifact-missing", artifact.get("Uri"), said, remedy="thresher components stage")
