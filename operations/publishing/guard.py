"""Refuses to publish what would overwrite a version, or what is not what the source says.

Why: gdk uploads a version's archives before it asks whether the version exists, and it publishes whatever was built
last, however old (gdk 1.6.2, ``PublishCommand``). Devices compare digests: an overwritten archive can no longer be
installed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from operations.publishing import catalogue, contents, recipes, wheels
from operations.publishing.catalogue import Catalogue
from operations.publishing.digests import DIGESTS_FILE, Digest, read_digests
from operations.publishing.errors import GuardError
from operations.publishing.published import Published
from operations.publishing.stage import gdk_folder

State = Literal["new", "published", "stale", "taken"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """On one component.

    Attributes:
        component: Its name.
        version: As it was staged.
        state: ``new`` may be published, ``published`` is already, with the same bytes; the others must not be.
        reason: Why not; empty otherwise.
        remedy: What to do then.
    """

    component: str
    version: str
    state: State
    reason: str = ""
    remedy: str = ""

    @property
    def refused(self) -> bool:
        """Whether publishing it would do harm."""
        return self.state in ("stale", "taken")


def judge(root: Path, output: Path, published: Published | None, *, names: tuple[str, ...] = ()) -> list[Verdict]:
    """Every staged component (or these); without ``published``, compared with the source only.

    Raises:
        StagingError: Nothing was staged.
        GuardError: Nobody says what was published, or a component asked for was not staged.
    """
    made = catalogue.load(root)
    staged: dict[str, list[Digest]] = {}
    for digest in read_digests(output / DIGESTS_FILE):
        staged.setdefault(digest.component, []).append(digest)
    if missing := [name for name in names if name not in staged]:
        raise GuardError(f"{missing[0]} was not staged", remedy=f"thresher components stage --component {missing[0]}")
    return [
        _judge(root, output, made, digests, published) for name, digests in staged.items() if name in (names or staged)
    ]


def _judge(root: Path, output: Path, made: Catalogue, digests: list[Digest], published: Published | None) -> Verdict:
    name, version = digests[0].component, digests[0].version
    for reason in _stale(root, output, made, digests):
        return Verdict(
            component=name, version=version, state="stale", reason=reason, remedy="thresher components stage"
        )
    there = published.artifacts(name, version) if published else None
    if there is None:
        return Verdict(component=name, version=version, state="new")
    ours = {digest.archive: digest.sha256 for digest in digests}
    if there == ours:
        return Verdict(component=name, version=version, state="published")
    return Verdict(
        component=name,
        version=version,
        state="taken",
        reason=f"{version} is published with other bytes: {_different(there, ours)}",
        remedy="raise ComponentVersion in its recipe (and in gdk-config.json for the primary), stage again",
    )


def _different(there: Mapping[str, str], ours: Mapping[str, str]) -> str:
    return ", ".join(sorted(name for name in {*there, *ours} if there.get(name) != ours.get(name)))


def _stale(root: Path, output: Path, made: Catalogue, digests: list[Digest]) -> Iterator[str]:
    name, version = digests[0].component, digests[0].version
    if len({digest.version for digest in digests}) > 1:
        yield "its archives were staged under different versions"
    if name not in made.components:
        yield "it is not in gdk-config.json any more"
        return
    source = contents.source_digest(contents.own_files(root, made.components[name]))
    folder = gdk_folder(output, name)
    for digest in digests:
        archive = folder / digest.archive
        if digest.source != source:
            yield f"{digest.archive} was staged before the source changed"
        elif not archive.is_file() or wheels.digest(archive) != digest.sha256:
            yield f"{archive} is not what was staged"
    architectures = {digest.architecture for digest in digests}
    wanted = recipes.staged(catalogue.recipe_path(root, name), version=version, architectures=architectures)
    recipe = folder / "recipe.yaml"
    if not recipe.is_file() or recipe.read_text(encoding="utf-8") != wanted:
        yield f"{recipe} was staged before the recipe changed"
    for project in (folder, root):
        yield from _built_by_gdk(project, name, version, digests)


def _built_by_gdk(project: Path, name: str, version: str, digests: list[Digest]) -> Iterator[str]:
    """What gdk built last is what it publishes, whatever was staged since."""
    for digest in digests:
        built = project / "greengrass-build" / "artifacts" / name / version / digest.archive
        if built.is_file() and wheels.digest(built) != digest.sha256:
            yield f"{built} was built before it was staged: run gdk component build"
