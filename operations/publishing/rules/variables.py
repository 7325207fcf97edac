"""Recipe variables in scripts, and what they stand for.

Classic leaves alone what it does not know, lite ends the step (``recipe-runner/src/runner.c``): there every ``{``
begins a variable, so a shell's own braces are an error.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from operations.publishing.document import Node
from operations.publishing.findings import Finding
from operations.publishing.reading import Recipe, Step

_BRACES: Final = re.compile(r"(\$?)\{([^{}\n]*)(\}?)")
_KNOWN: Final = {
    "artifacts": ("path", "decompressedPath"),
    "work": ("path",),
    "kernel": ("rootPath",),
    "iot": ("thingName",),
}
_OF_OTHERS: Final = ("artifacts", "configuration")
_LOOKS_LIKE_ONE: Final = re.compile(r"[\w.\-]+(:[\w.\-/]+)+")


class Variable(NamedTuple):
    """``{component:kind:key}``; ``component`` is empty for the recipe's own."""

    component: str
    kind: str
    key: str


def parse(inside: str) -> Variable | None:
    """What stands between the braces, if it is a variable's form."""
    parts = inside.split(":")
    if len(parts) == 2:  # noqa: PLR2004 - kind and key
        return Variable("", *parts)
    return Variable(*parts) if len(parts) == 3 else None  # noqa: PLR2004 - and a component before them


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    for manifest in recipe.manifests():
        for lifecycle in manifest.lifecycles:
            for entry in lifecycle.get("Setenv").entries:
                yield from _text(recipe, entry.node, lite=manifest.lite)
        for step in manifest.steps():
            for node in _texts(step):
                yield from _text(recipe, node, lite=step.lite)


def _texts(step: Step) -> Iterator[Node]:
    yield step.script
    yield from (entry.node for entry in step.entry.node.get("Setenv").entries)


def _text(recipe: Recipe, node: Node, *, lite: bool) -> Iterator[Finding]:
    for found in _BRACES.finditer(node.text):
        at = node.within(found.start())
        if found[1] or not found[3] or not _LOOKS_LIKE_ONE.fullmatch(found[2]):
            if lite:
                remedy = "put the shell text into a file of the artifact"
                yield recipe.finding("lite-braces", at, f"`{found[0]}`", remedy=remedy)
        elif (variable := parse(found[2])) is None:
            yield recipe.finding("variable", at, f"`{found[0]}`", remedy="{kind:key}, as {artifacts:path}")
        else:
            yield from _variable(recipe, at, variable, lite=lite)


def _variable(recipe: Recipe, node: Node, variable: Variable, *, lite: bool) -> Iterator[Finding]:
    written = "{" + ":".join(part for part in variable if part) + "}"
    if variable.component:
        if variable.kind not in _OF_OTHERS:
            remedy = "only artifacts and configuration of another component have variables"
            yield recipe.finding("variable", node, f"`{written}`", remedy=remedy)
        elif recipe.root.get("ComponentDependencies").entry(variable.component) is None:
            remedy = f"add {variable.component} to ComponentDependencies"
            yield recipe.finding("variable", node, f"`{written}`", remedy=remedy)
        if lite:
            yield recipe.finding("lite-dependency-variable", node, f"`{written}`", remedy="find it beside {work:path}")
    elif variable.kind == "configuration":
        yield from _pointer(recipe, node, variable, lite=lite)
    elif variable.key not in _KNOWN.get(variable.kind, ()):
        known = ", ".join(f"{{{kind}:{key}}}" for kind, keys in _KNOWN.items() for key in keys)
        yield recipe.finding("variable", node, f"`{written}`", remedy=f"one of {known}, {{configuration:/…}}")


def _pointer(recipe: Recipe, node: Node, variable: Variable, *, lite: bool) -> Iterator[Finding]:
    value = recipe.configuration
    for key in variable.key.strip("/").split("/"):
        items = value.items if key.isdigit() else ()
        value = items[int(key)] if key.isdigit() and int(key) < len(items) else value.get(key)
    if not variable.key.startswith("/") or not value.there:
        remedy = f"give {variable.key} a value in DefaultConfiguration"
        said = f"`{variable.key}` stands for nothing by default"
        yield recipe.finding("variable", node, said, remedy=remedy, weak=not lite)
