"""Steps: which there are, what they run, how long they may take.

Default limits of classic (``Lifecycle.java``): install and startup 120 s, shutdown 15 s. Lite runs no shutdown, recover
and uninstall, and waits 300 s for a component to run (``ggdeploymentd/src/deployment_handler.c``).
"""

import re
from collections.abc import Iterator
from typing import Final

from operations.publishing.document import Entry, Node
from operations.publishing.findings import Finding
from operations.publishing.reading import SELECTIONS, Manifest, Recipe, Step
from operations.publishing.rules.shape import LIFECYCLE, STEP, check_keys

_LITE_STEPS: Final = ("bootstrap", "install", "startup", "run")
_SERVING: Final = ("startup", "run")
_INSTALLS: Final = re.compile(r"\bpip3?\b|\bvenv\b|\bapt(-get)?\b|\bnpm\b|\buv\b")
_PIP_INSTALL: Final = re.compile(r"\bpip3?\b[^\n;&|]*\binstall\b[^\n;&|]*")
_PYTHON: Final = re.compile(r"\bpython3?(\.\d+)?\b([^\n;&|]*)")
_UNBUFFERED: Final = re.compile(r"(^|\s)-[a-zA-Z]*u")
_SECONDS: Final = re.compile(r"\d+|\{([\w.\-]+:)?configuration:/[^{}]*\}")
_ENVIRONMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONG_S: Final = 600


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    manifests = recipe.manifests()
    given = recipe.root.entry("Manifests")
    if given and not manifests:
        yield recipe.finding("manifests", given, "no manifest", remedy="add one with Platform and Lifecycle")
    seen: set[int] = set()
    for manifest in manifests:
        yield from _manifest(recipe, manifest)
        for lifecycle in manifest.lifecycles:
            if id(lifecycle) not in seen:
                seen.add(id(lifecycle))
                yield from _lifecycle(recipe, manifest, lifecycle)


def _manifest(recipe: Recipe, manifest: Manifest) -> Iterator[Finding]:
    steps = {step.name: step for step in manifest.steps()}
    if not steps:
        remedy = "add `run` or `install` under Lifecycle"
        yield recipe.finding("manifests", manifest.node, "no lifecycle step", remedy=remedy, weak=not manifest.lite)
    elif manifest.lite and not set(steps) & set(_SERVING):
        first = next(iter(steps.values()))
        yield recipe.finding(
            "lite-install-only", first.entry, "no `run` and no `startup`", remedy="add a `run` that ends"
        )
    if "run" in steps and "startup" in steps:
        yield recipe.finding("run-and-startup", steps["run"].entry, "`run` beside `startup`", remedy="keep one of them")


def _lifecycle(recipe: Recipe, manifest: Manifest, lifecycle: Node) -> Iterator[Finding]:
    yield from check_keys(recipe, lifecycle, LIFECYCLE, lite=manifest.lite, unknown="step")
    yield from _setenv(recipe, lifecycle.get("Setenv"), lite=manifest.lite)
    everywhere = lifecycle.get("Setenv", "PYTHONUNBUFFERED").there
    for step in manifest.steps():
        yield from _step(recipe, step, unbuffered=everywhere)


def _step(recipe: Recipe, step: Step, *, unbuffered: bool) -> Iterator[Finding]:
    node = step.entry.node
    if node.kind == "list":
        yield recipe.finding("wrong-type", step.entry, f"`{step.name}` is a list", remedy="write a script or a mapping")
        return
    if node.kind == "mapping":
        keys = {**STEP, **dict.fromkeys(SELECTIONS, "any")}
        yield from check_keys(recipe, node, keys, lite=step.lite)
        yield from _setenv(recipe, node.get("Setenv"), lite=step.lite)
        yield from _timeout(recipe, node)
    if not step.script.text.strip():
        yield recipe.finding("missing-key", step.entry, f"`{step.name}` has no Script", remedy="add Script")
        return
    yield from _lite(recipe, step)
    yield from _installing(recipe, step)
    yield from _running(recipe, step, unbuffered=unbuffered)


def _lite(recipe: Recipe, step: Step) -> Iterator[Finding]:
    if not step.lite:
        return
    if step.name not in _LITE_STEPS:
        yield recipe.finding("lite-ignored", step.entry, f"`{step.name}`", remedy="do not rely on it under lite")
    if skip := step.entry.node.entry("Skipif"):
        yield recipe.finding("lite-ignored", skip, "`Skipif`", remedy="let the script find out itself")


def _timeout(recipe: Recipe, node: Node) -> Iterator[Finding]:
    given = node.get("Timeout")
    if given.there and not _SECONDS.fullmatch(given.text.strip()):
        yield recipe.finding("timeout", given, f"`{given.text}`", remedy="whole seconds, as `Timeout: 600`")


def _installing(recipe: Recipe, step: Step) -> Iterator[Finding]:
    script = step.script.text
    timeout = step.entry.node.get("Timeout").text.strip()
    too_short = not timeout or (timeout.isdigit() and int(timeout) < _LONG_S)
    if step.name in ("install", "bootstrap") and _INSTALLS.search(script) and too_short:
        said = f"`{step.name}` installs packages within {timeout or '120'} s"
        yield recipe.finding("install-timeout", step.entry, said, remedy=f"Timeout: {_LONG_S}")
    for found in _PIP_INSTALL.finditer(script):
        at = step.script.within(found.start())
        if "--no-index" not in found[0]:
            yield recipe.finding("pip", at, "pip asks the network", remedy="ship wheels, and pass --no-index")
        elif "--require-hashes" not in found[0]:
            yield recipe.finding("pip", at, "pip takes any bytes", remedy="pass --require-hashes")


def _running(recipe: Recipe, step: Step, *, unbuffered: bool) -> Iterator[Finding]:
    unbuffered = unbuffered or step.entry.node.get("Setenv", "PYTHONUNBUFFERED").there
    if step.name in _SERVING and not unbuffered:
        for found in _PYTHON.finditer(step.script.text):
            if not _UNBUFFERED.search(found[2]):
                at = step.script.within(found.start())
                yield recipe.finding("unbuffered", at, "Python without -u", remedy="python3 -u")
                break
    privilege = step.entry.node.entry("RequiresPrivilege")
    if privilege and privilege.node.text == "true":
        yield recipe.finding("privilege", privilege, f"`{step.name}`", remedy="give its user a group instead")


def _setenv(recipe: Recipe, node: Node, *, lite: bool) -> Iterator[Finding]:
    for entry in node.entries:
        if not _ENVIRONMENT.fullmatch(entry.key):
            yield recipe.finding("setenv", entry, f"`{entry.key}`", remedy="letters, digits and `_`")
        if entry.node.kind in ("mapping", "list") or _loses_type(entry, lite=lite):
            yield recipe.finding("setenv", entry, f"`{entry.key}` is not text", remedy="put its value in quotes")


def _loses_type(entry: Entry, *, lite: bool) -> bool:
    """Lite takes text only; the cloud keeps a recipe as JSON, whatever it was written in."""
    return lite and entry.node.kind in ("number", "truth", "nothing") and not entry.node.quoted
