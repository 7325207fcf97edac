"""The recipes of a nucleus: ``packages/recipes/<Name>-<version>.yaml`` under its root, and what of them is wanted.

A dependency brings its component along whether it is HARD or SOFT. What is not there would be asked of the cloud by a
real nucleus; here it is an error. Components of the nucleus itself are taken as met.
Sources: nucleus ``DependencyResolver``; greengrass-lite ``deployment_handler.c`` (``resolve_dependencies``).
Not here: artifacts (``artifacts``).
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twin.errors import TwinError
from twin.nucleus.document import RecipeError
from twin.nucleus.recipe import Recipe, Runtime
from twin.nucleus.recipe_reader import parse
from twin.nucleus.versions import best, satisfies

SUFFIXES: Final = (".json", ".yaml", ".yml")
"""In the order in which the lite nucleus looks."""

BUILT_IN: Final = {
    "classic": frozenset(
        {
            "aws.greengrass.Nucleus",
            "aws.greengrass.TokenExchangeService",
            "aws.greengrass.Cli",
            "aws.greengrass.SecretManager",
            "aws.greengrass.ShadowManager",
        }
    ),
    "lite": frozenset({"aws.greengrass.Nucleus", "aws.greengrass.TokenExchangeService", "aws.greengrass.Cli"}),
}
"""Never looked for. ``aws.greengrass.NucleusLite`` is looked for, and fails where no cloud answers."""


class Library:
    """Recipes of one nucleus.

    Args:
        root: Folder of the nucleus.
        runtime: Whose rules hold.
    """

    def __init__(self, root: Path, runtime: Runtime) -> None:
        self.folder = root / "packages" / "recipes"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._runtime = runtime

    def take(self, folder: Path) -> None:
        """Copies every recipe of a folder into the library, as a deployment with ``--recipe-dir`` does.

        Raises:
            TwinError: It cannot be read.
        """
        try:
            for file in sorted(folder.iterdir()):
                if file.suffix in SUFFIXES:
                    shutil.copyfile(file, self.folder / file.name)
        except OSError as exc:
            raise TwinError(f"recipes of {folder}: {exc.strerror}", remedy="name a folder of recipes") from exc

    def versions(self, name: str) -> list[str]:
        """Of one component, as the files' names say."""
        found = [file.name for file in self.folder.iterdir() if file.suffix in SUFFIXES]
        stems = [Path(file).with_suffix("").name for file in found if file.startswith(f"{name}-")]
        return sorted(
            {stem.removeprefix(f"{name}-") for stem in stems if stem[len(name) + 1 : len(name) + 2].isdigit()}
        )

    def recipe(self, name: str, version: str) -> Recipe:
        """Of one version.

        Raises:
            RecipeError: It is not there, is another component's, or this nucleus would refuse it.
        """
        files = [self.folder / f"{name}-{version}{suffix}" for suffix in SUFFIXES]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            raise self._absent(name, version)
        recipe = parse(file.read_bytes(), file.name, runtime=self._runtime)
        if (recipe.name, recipe.version) != (name, version):
            found = f"{recipe.name}-{recipe.version}"
            raise RecipeError(
                f"{file.name}: the recipe inside is {found}", remedy=f"name the file {found}{file.suffix}"
            )
        return recipe

    def resolve(self, roots: Mapping[str, str]) -> dict[str, Recipe]:
        """These components and all they depend on, dependencies first.

        Args:
            roots: Version or requirement by name.

        Raises:
            TwinError: A component or a fitting version is missing, or components need each other in a circle.
        """
        wanted = {name: [requirement] for name, requirement in roots.items()}
        found: dict[str, Recipe] = {}
        waiting = list(roots)
        while waiting:
            name = waiting.pop(0)
            version = self._version(name, wanted[name])
            if name in found and found[name].version == version:
                continue
            found[name] = self.recipe(name, version)
            for other, dependency in found[name].dependencies.items():
                if other not in BUILT_IN[self._runtime]:
                    wanted.setdefault(other, []).append(dependency.requirement)
                    waiting.append(other)
        return {name: found[name] for name in in_order(found)}

    def _version(self, name: str, requirements: list[str]) -> str:
        fitting = [one for one in self.versions(name) if all(satisfies(one, text) for text in requirements)]
        chosen = best(fitting, "*")
        if chosen is None:
            raise self._absent(name, " and ".join(requirements))
        return chosen

    def _absent(self, name: str, version: str) -> RecipeError:
        there = ", ".join(self.versions(name)) or "none"
        return RecipeError(
            f"{name}: no recipe for version {version}; there: {there}",
            remedy=f"put {name}-<version>.yaml into the folder given with --recipes",
        )


def in_order(recipes: Mapping[str, Recipe]) -> list[str]:
    """Names with every dependency before its dependents.

    Raises:
        TwinError: They need each other in a circle.
    """
    done: list[str] = []
    left = dict(recipes)
    while left:
        ready = [name for name, recipe in left.items() if not any(other in left for other in recipe.dependencies)]
        if not ready:
            raise TwinError(f"{', '.join(left)} depend on each other", remedy="remove one of the dependencies")
        done += ready
        left = {name: recipe for name, recipe in left.items() if name not in ready}
    return done
