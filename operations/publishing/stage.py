"""Stages components: folders that ``gdk`` builds and publishes from, and that a nucleus deploys from without a cloud.

```text
build/gdk/<Name>/          gdk-config.json  recipe.yaml  gdk_build.py  <Name>-<architecture>.zip …
build/local/recipes/       <Name>-<version>.yaml
build/local/artifacts/     <Name>/<version>/<Name>-<architecture>.zip …
build/sbom/                <Name>-<version>-<architecture>.cdx.json
build/digests.json         SHA-256 of every archive, and of the source it was made from
build/wheels/              what was fetched once
```

Not here: what is inside an archive (``contents``), where wheels come from (``wheels``).
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from operations.publishing import archives, catalogue, contents, gdk_build, lock, recipes, sbom, wheels
from operations.publishing.catalogue import Catalogue
from operations.publishing.contents import Contents
from operations.publishing.digests import DIGESTS_FILE, Digest, write_digests
from operations.publishing.targets import Target
from operations.publishing.wheels import Fetch, Wheel

LOCK_FILE: Final = "requirements/gateway.lock"

Tell = Callable[[str], None]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be staged.

    Attributes:
        root: The checkout.
        output: Where to; everything of a component that lies there is replaced.
        names: Components.
        version: Of all; empty for what each recipe says.
        architectures: By Greengrass's names.
        pythons: Python versions on the devices, ``3.11``.
    """

    root: Path
    output: Path
    names: tuple[str, ...]
    version: str = ""
    architectures: tuple[str, ...]
    pythons: tuple[str, ...]


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """One archive that was written."""

    component: str
    version: str
    architecture: str
    archive: str
    bytes: int
    wheel_bytes: int
    sha256: str


def stage(order: Order, *, fetch: Fetch = wheels.download, tell: Tell = lambda _: None) -> list[Staged]:
    """Stages; ``tell`` hears which archive is being written.

    Raises:
        StagingError: Something is missing or not what the lock file says.
    """
    made = catalogue.load(order.root)
    pins = lock.read(order.root / LOCK_FILE)
    done: list[Staged] = []
    digests: list[Digest] = []
    for name in order.names:
        version = order.version or recipes.version_of(catalogue.recipe_path(order.root, name))
        own = contents.own_files(order.root, made.components[name])
        _prepare(order, made, name, version)
        for architecture in order.architectures:
            tell(recipes.archive_name(name, architecture))
            cpu = made.components[name].cpu.get(architecture, [])
            held = {
                python: _wheels(order, made, name, Target(architecture, python), pins=pins, fetch=fetch)
                for python in order.pythons
            }
            packed = contents.assemble(name, version, target=(architecture, cpu), own=own, wheels=held)
            one = _write(order, name, version, architecture=architecture, packed=packed)
            done.append(one)
            digests.append(_digest(one, packed))
    write_digests(order.output / DIGESTS_FILE, digests)
    return done


def _digest(one: Staged, packed: Contents) -> Digest:
    return Digest(
        component=one.component,
        version=one.version,
        architecture=one.architecture,
        archive=one.archive,
        sha256=one.sha256,
        source=packed.source,
    )


def _wheels(
    order: Order, made: Catalogue, name: str, target: Target, *, pins: list[lock.Pin], fetch: Fetch
) -> Sequence[Wheel]:
    wanted = lock.chosen(pins, made.components[name].requirements, target)
    return wheels.collect(wanted, target, order.output / "wheels", fetch=fetch)


def gdk_folder(output: Path, name: str) -> Path:
    """Where ``gdk component build`` works for one component."""
    return output / "gdk" / name


def _local_folder(output: Path, name: str, version: str) -> Path:
    return output / "local" / "artifacts" / name / version


def _prepare(order: Order, made: Catalogue, name: str, version: str) -> None:
    folder = gdk_folder(order.output, name)
    local = _local_folder(order.output, name, version)
    for old in (folder, local):
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir(parents=True)
    text = recipes.staged(catalogue.recipe_path(order.root, name), version=version, architectures=order.architectures)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    (folder / catalogue.CONFIG_FILE).write_text(_gdk_config(made, name, version), encoding="utf-8")
    shutil.copyfile(gdk_build.__file__, folder / "gdk_build.py")
    recipe = order.output / "local" / "recipes" / f"{name}-{version}.yaml"
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(text, encoding="utf-8")


def _gdk_config(made: Catalogue, name: str, version: str) -> str:
    _, primary = made.primary
    build = {"build_system": "custom", "custom_build_command": ["python3", "gdk_build.py"]}
    component = {
        "author": primary.author,
        "version": version,
        "build": build,
        "publish": msgspec.to_builtins(primary.publish),
    }
    return json.dumps({"component": {name: component}, "gdk_version": made.gdk_version}, indent=2) + "\n"


def _link(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where the disk has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _write(order: Order, name: str, version: str, *, architecture: str, packed: Contents) -> Staged:
    archive = gdk_folder(order.output, name) / recipes.archive_name(name, architecture)
    archives.write(archive, packed.files)
    _link(archive, _local_folder(order.output, name, version) / archive.name)
    sha256 = wheels.digest(archive)
    bill = order.output / "sbom" / f"{name}-{version}-{architecture}.cdx.json"
    bill.parent.mkdir(parents=True, exist_ok=True)
    bill.write_bytes(sbom.describe(name, version, architecture=architecture, archive_sha256=sha256, contents=packed))
    return Staged(
        component=name,
        version=version,
        architecture=architecture,
        archive=archive.name,
        bytes=archive.stat().st_size,
        wheel_bytes=sum(
            {one.path: one.path.stat().st_size for some in packed.wheels.values() for one in some}.values()
        ),
        sha256=sha256,
    )
