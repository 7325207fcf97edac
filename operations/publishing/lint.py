"""The linter: every rule over every recipe, and the rules between recipes.

Not here: the rules (``rules``), what each means (``findings``).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from operations.publishing import document
from operations.publishing.document import Entry, SyntaxTroubleError
from operations.publishing.errors import StagingError
from operations.publishing.findings import Finding
from operations.publishing.reading import Recipe
from operations.publishing.rules import (
    access,
    artifacts,
    calls,
    configuration,
    dependencies,
    lifecycle,
    platforms,
    shape,
    variables,
)

_RULES: Final = (shape, platforms, dependencies, lifecycle, variables, artifacts, access, configuration, calls)
_ENDINGS: Final = (".yaml", ".yml", ".json")

Calls = Mapping[str, frozenset[str]]
"""Component to the operations its code calls."""


def lint(paths: Iterable[Path], *, calls_of: Calls | None = None) -> list[Finding]:
    """Every finding in these recipes, by place. A folder stands for the recipes in it.

    Raises:
        StagingError: There is no such file, or no recipe in a folder.
    """
    findings: list[Finding] = []
    recipes: list[Recipe] = []
    for path in _files(paths):
        try:
            recipe = _read(path, calls_of or {})
        except SyntaxTroubleError as exc:
            findings.append(_syntax(path, exc))
            continue
        recipes.append(recipe)
        findings.extend(dict.fromkeys(found for rule in _RULES for found in rule.check(recipe)))
    findings.extend(_between(recipes))
    return sorted(findings, key=lambda one: (one.path, one.line, one.column, one.rule))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(one for one in path.iterdir() if one.suffix in _ENDINGS and not one.name.startswith("."))
        if not found:
            raise StagingError(f"{path}: no recipe in it", remedy="name a folder of .yaml or .json files")
        yield from found


def _read(path: Path, calls_of: Calls) -> Recipe:
    try:
        data = path.read_bytes()
        text = data.decode()
    except OSError as exc:
        raise StagingError(f"{path}: {exc.strerror}", remedy="name a recipe or a folder of recipes") from exc
    except UnicodeDecodeError as exc:
        raise SyntaxTroubleError("not UTF-8", document.Spot(1, 1)) from exc
    is_json = path.suffix == ".json"
    root = document.read(text, is_json=is_json)
    name = root.get("ComponentName").text
    return Recipe(path=str(path), size=len(data), root=root, is_json=is_json, calls=calls_of.get(name))


def _syntax(path: Path, error: SyntaxTroubleError) -> Finding:
    return Finding(
        rule="syntax",
        severity="error",
        path=str(path),
        line=error.spot.line,
        column=error.spot.column,
        message=str(error),
        remedy="correct the line, or the one before it",
    )


def _between(recipes: list[Recipe]) -> Iterator[Finding]:
    """What one recipe alone cannot show."""
    versions: dict[tuple[str, str], Recipe] = {}
    policies: dict[str, Recipe] = {}
    for recipe in recipes:
        identity = (recipe.name, recipe.root.get("ComponentVersion").text)
        first = versions.setdefault(identity, recipe)
        if first is not recipe and first.root.plain != recipe.root.plain:
            said = f"{' '.join(identity)} is in {first.path} with another content"
            at = recipe.root.get("ComponentVersion")
            yield recipe.finding("version-reused", at, said, remedy="give this one the next version")
        for policy in _policies(recipe):
            owner = policies.setdefault(policy.key, recipe)
            if owner.name != recipe.name:
                said = f"`{policy.key}` is {owner.name}'s"
                yield recipe.finding("policy-id", policy, said, remedy="begin it with the component's name")


def _policies(recipe: Recipe) -> Iterator[Entry]:
    for service in recipe.configuration.get("accessControl").entries:
        yield from service.node.entries
