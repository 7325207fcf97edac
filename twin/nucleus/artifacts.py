"""A component's files: copied into the nucleus's root, checked, unpacked, given their permissions.

Taken from ``<folder>/<Name>/<version>/<file>``; the scheme and bucket of a URI do not matter in a local deployment.

| | classic | lite, local deployment |
|---|---|---|
| ``Unarchive: ZIP`` | into ``{artifacts:decompressedPath}/<name without .zip>/`` | **not done** |
| ``Digest`` | checked | not checked |
| ``Permission`` | set | as the file was |
| a file that is not there | an error | found out by the script that wants it |

Sources: nucleus ``ComponentManager.prepareArtifacts``; greengrass-lite ``deployment_handler.c``: a component
without an ARN of the cloud never reaches ``get_recipe_artifacts``.
Not here: downloads from S3.
"""

import hashlib
import os
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Final

from twin.errors import TwinError
from twin.nucleus.recipe import Artifact, Recipe, Runtime
from twin.nucleus.variables import folders

MAXIMUM_BYTES: Final = 2 * 1024**3
"""Of an archive's content, so that a bomb ends in an error and not on a full disk."""

_READ: Final = {"NONE": 0, "OWNER": 0o400, "ALL": 0o444}
_EXECUTE: Final = {"NONE": 0, "OWNER": 0o500, "ALL": 0o555}


def take(folder: Path, root: Path) -> None:
    """Copies everything of ``folder`` into the artifacts of the nucleus, as ``--artifacts-dir`` does.

    Raises:
        TwinError: It cannot be copied.
    """
    try:
        shutil.copytree(folder, root / "packages" / "artifacts", dirs_exist_ok=True, symlinks=True)
    except (OSError, shutil.Error) as exc:
        raise TwinError(f"artifacts of {folder}: {exc}", remedy="name a folder of <Name>/<version>/<file>") from exc


def prepare(recipe: Recipe, root: Path, *, runtime: Runtime) -> None:
    """Makes a component's folders and files ready for its scripts.

    Raises:
        TwinError: A file is missing, is not the one that the recipe means, or is no archive.
    """
    for folder in folders(root, recipe.name, recipe.version).values():
        folder.mkdir(parents=True, exist_ok=True)
    if runtime == "lite":
        return
    for artifact in recipe.artifacts:
        _prepare(artifact, recipe, root)


def _prepare(artifact: Artifact, recipe: Recipe, root: Path) -> None:
    there = folders(root, recipe.name, recipe.version)
    file = there["artifacts:path"] / artifact.file
    if not file.is_file():
        raise TwinError(
            f"{recipe.name} {recipe.version}: no artifact {artifact.file}",
            remedy=f"put it into {recipe.name}/{recipe.version}/ of the folder given with --artifacts",
        )
    if artifact.digest and hashlib.sha256(file.read_bytes()).digest() != artifact.digest:
        raise TwinError(f"{file}: not what the recipe's Digest says", remedy="build the component anew")
    if artifact.unzip:
        unzip(file, there["artifacts:decompressedPath"] / file.name.removesuffix(".zip"), artifact)
    else:
        file.chmod(_mode(artifact))


def unzip(archive: Path, target: Path, artifact: Artifact) -> None:
    """Unpacks an archive into a folder that holds nothing else afterwards.

    Raises:
        TwinError: It is no archive, too large, or wants to write outside.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            members = packed.infolist()
            if sum(member.file_size for member in members) > MAXIMUM_BYTES:
                raise TwinError(f"{archive}: more than {MAXIMUM_BYTES} bytes unpacked", remedy="make it smaller")
            for member in members:
                _extract(packed, member, target, artifact)
    except (zipfile.BadZipFile, OSError) as exc:
        raise TwinError(f"{archive}: {exc}", remedy="build the archive anew") from exc


def _extract(packed: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, artifact: Artifact) -> None:
    path = Path(os.path.normpath(target / member.filename))
    if not path.is_relative_to(target) or stat.S_ISLNK(member.external_attr >> 16):
        raise TwinError(f"{packed.filename}: {member.filename} leads outside", remedy="build it without links and ..")
    if member.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(member) as source, path.open("wb") as output:
        shutil.copyfileobj(source, output)
    path.chmod(_mode(artifact))


def _mode(artifact: Artifact) -> int:
    """As ``Permissions.fileMode`` of the nucleus; the owner may always read, because here all run as one user."""
    return 0o600 | _READ.get(artifact.read, 0) | _EXECUTE.get(artifact.execute, 0)
