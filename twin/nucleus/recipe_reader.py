"""Reads a recipe as one nucleus does: the manifest for this machine, its steps, artifacts and defaults.

| | classic | lite |
|---|---|---|
| keys | any case | exactly as documented |
| manifest without ``Platform.runtime`` | taken | skipped |
| manifest without ``Platform`` | taken | an error |
| recipe without a step | taken | refused |
| file | 16,000 bytes (the cloud's limit) | 8,196 bytes |

The first manifest that fits wins. Sources: nucleus ``PlatformResolver``, ``GenericExternalService``, ``Lifecycle``;
greengrass-lite 2.6.0 ``ggl-recipe/src/recipe.c``, ``recipe2unit/src/parser.c``.
Not here: a linter's advice (``operations.publishing``), variables (``variables``), running steps (``lifecycle``).
"""

import base64
import binascii
import platform
import re
from typing import Final

from twin.nucleus.document import Place, RecipeError
from twin.nucleus.recipe import LITE_STEPS, STEPS, Artifact, Dependency, Recipe, Runtime, Step
from twin.nucleus.versions import Version, satisfies

MAXIMUM_BYTES: Final = {"classic": 16_000, "lite": 8_196}
"""Of a recipe file. Lite reads it into 8,196 bytes (``ggl_recipe_get_from_file``)."""

_NAME: Final = re.compile(r"[a-zA-Z0-9\-_.]{1,128}")
_RUNTIMES: Final = {
    "classic": ("*", "aws_nucleus", "aws_nucleus_classic"),
    "lite": ("*", "aws_nucleus_lite"),
}
_ARCHITECTURES: Final = {"x86_64": "amd64", "i386": "x86", "i686": "x86", "armv7l": "arm", "armv6l": "arm"}


def architecture() -> str:
    """Of this machine, as recipes write it."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def parse(data: bytes, source: str, *, runtime: Runtime) -> Recipe:
    """Of one recipe file.

    Raises:
        RecipeError: This nucleus would refuse it; names the place and the remedy.
    """
    if len(data) > MAXIMUM_BYTES[runtime]:
        limit = MAXIMUM_BYTES[runtime]
        raise RecipeError(f"{source}: {len(data)} bytes, more than {limit}", remedy="move scripts into an artifact")
    root = Place.read(data, source, exact=runtime == "lite")
    name, version = _required(root, "ComponentName"), _required(root, "ComponentVersion")
    if not _NAME.fullmatch(name):
        raise RecipeError(f"{root.path}.ComponentName: `{name}`", remedy="use letters, digits, -, _ and . only")
    Version.parse(version)
    manifest, lifecycle = _manifest(root, runtime)
    return Recipe(
        name=name,
        version=version,
        dependencies=_dependencies(root),
        defaults=dict(root.mapping("ComponentConfiguration").mapping("DefaultConfiguration").values),
        environment=_environment(lifecycle, runtime),
        steps=_steps(lifecycle, runtime),
        artifacts=tuple(_artifact(place) for place in manifest.each("Artifacts")),
    )


def _required(place: Place, key: str) -> str:
    value = place.text(key)
    if not value:
        raise place.missing(key)
    return value


def _manifest(root: Place, runtime: Runtime) -> tuple[Place, Place]:
    """The first manifest that fits, and its lifecycle."""
    if root.find("Manifests") is None:
        raise root.missing("Manifests")
    for manifest in root.each("Manifests"):
        if not _fits(manifest, runtime):
            continue
        lifecycle = manifest.mapping("Lifecycle") or _global_lifecycle(root, manifest, runtime)
        if lifecycle or runtime == "classic":
            return manifest, lifecycle
    raise RecipeError(
        f"{root.path}.Manifests: none is for linux on {architecture()} under the {runtime} nucleus",
        remedy='give one `Platform: {os: linux, runtime: "*"}` and a `Lifecycle`',
    )


def _fits(manifest: Place, runtime: Runtime) -> bool:
    if runtime == "lite" and manifest.find("Platform") is None:
        raise manifest.missing("Platform")
    wanted = manifest.mapping("Platform")
    declared = wanted.text("runtime")
    if declared is None and runtime == "lite":
        return False
    return (
        (declared is None or declared in _RUNTIMES[runtime])
        and _matches(wanted, "os", "linux", runtime)
        and _matches(wanted, "architecture", architecture(), runtime)
        and _matches(wanted, "architecture.detail", platform.machine(), runtime)
    )


def _matches(place: Place, key: str, ours: str, runtime: Runtime) -> bool:
    """``/…/`` is a regular expression for the classic nucleus only."""
    wanted = place.text(key)
    if wanted in (None, "*", "all", ours):
        return True
    if runtime == "lite" or wanted is None or not re.fullmatch("/.+/", wanted):
        return False
    try:
        return re.fullmatch(wanted[1:-1], ours) is not None
    except re.error as exc:
        raise place.wrong(key, "a regular expression between slashes", wanted) from exc


def _global_lifecycle(root: Place, manifest: Place, runtime: Runtime) -> Place:
    shared, selections = root.mapping("Lifecycle"), manifest.find("Selections") or ["all"]
    if not isinstance(selections, list):
        raise manifest.wrong("Selections", "a list", selections)
    for selection in selections:
        if isinstance(selection, str) and shared.find(selection) is not None:
            return shared.mapping(selection)
    named = any(shared.find(step) is not None for step in STEPS)
    return shared if named and runtime == "classic" else Place({}, shared.path, exact=True)


def _dependencies(root: Place) -> dict[str, Dependency]:
    listed = root.mapping("ComponentDependencies")
    found: dict[str, Dependency] = {}
    for name in listed.values:
        one = listed.mapping(name)
        requirement = one.text("VersionRequirement")
        if requirement is None:
            raise one.missing("VersionRequirement")
        satisfies("1.0.0", requirement)  # to complain of it now, not in the middle of a deployment
        found[name] = Dependency(requirement=requirement, hard=(one.text("DependencyType") or "HARD").upper() == "HARD")
    return found


def _environment(place: Place, runtime: Runtime) -> dict[str, str]:
    variables = place.mapping("Setenv")
    for name, value in variables.values.items():
        if runtime == "lite" and not isinstance(value, str):
            raise variables.wrong(name, "text", value)
        if runtime == "lite" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise RecipeError(f"{variables.path}: `{name}` is no variable's name", remedy="use letters, digits and _")
    return {name: value if isinstance(value, str) else str(value) for name, value in variables.values.items()}


def _steps(lifecycle: Place, runtime: Runtime) -> dict[str, Step]:
    known = LITE_STEPS if runtime == "lite" else STEPS
    steps = {name: _step(lifecycle, name, runtime) for name in known if lifecycle.find(name) is not None}
    if runtime == "lite" and not steps:
        wrong = next((found for name in LITE_STEPS if (found := lifecycle.misspelt(name))), None)
        raise RecipeError(
            f"{lifecycle.path}: Recipes without at least 1 valid lifecycle step aren't currently supported",
            remedy=f"write `{wrong}` in lower case: keys are case-sensitive" if wrong else "add a `run` step",
        )
    if "startup" in steps:
        if "run" in steps and runtime == "classic":
            raise RecipeError(f"{lifecycle.path}: both `startup` and `run`", remedy="keep one of them")
        steps.pop("run", None)  # lite takes startup alone (recipe2unit/src/parser.c)
    return steps


def _step(lifecycle: Place, name: str, runtime: Runtime) -> Step:
    value = lifecycle.find(name)
    if isinstance(value, str):
        return Step(script=value)
    step = lifecycle.mapping(name)
    script = step.text("Script")
    if script is None:
        raise step.missing("Script")
    return Step(
        script=script,
        timeout_s=_timeout(step),
        skip_if=(step.text("Skipif") or "") if runtime == "classic" else "",
        privileged=_flag(step, "RequiresPrivilege"),
        environment=_environment(step, runtime),
    )


def _timeout(step: Place) -> float | str | None:
    value = step.find("Timeout")
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0):
        return value
    if isinstance(value, str) and (value.isdigit() or value.startswith("{")):
        return float(value) if value.isdigit() else value
    raise step.wrong("Timeout", "a number of seconds", value)


def _flag(step: Place, key: str) -> bool:
    value = step.find(key)
    if value in (None, False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise step.wrong(key, "true or false", value)


def _artifact(place: Place) -> Artifact:
    uri = place.text("Uri")
    if not uri:
        raise place.missing("Uri")
    file = uri.rsplit("/", 1)[-1]
    if file in ("", ".", ".."):
        raise RecipeError(f"{place.path}.Uri: `{uri}` names no file", remedy="end it with the file's name")
    unarchive = (place.text("Unarchive") or "NONE").upper()
    if unarchive not in ("NONE", "ZIP"):
        raise place.wrong("Unarchive", "NONE or ZIP", unarchive)
    permission = place.mapping("Permission")
    return Artifact(
        file=file,
        unzip=unarchive == "ZIP",
        read=(permission.text("Read") or "OWNER").upper(),
        execute=(permission.text("Execute") or "NONE").upper(),
        digest=_digest(place),
    )


def _digest(place: Place) -> bytes:
    text = place.text("Digest")
    if not text:
        return b""
    if (place.text("Algorithm") or "SHA-256").upper() != "SHA-256":
        raise place.wrong("Algorithm", "SHA-256", place.text("Algorithm"))
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise place.wrong("Digest", "base64 of a SHA-256", text) from exc
