"""Recipe variables in scripts: ``{artifacts:path}``, ``{configuration:/a/b}``, ``{com.example.Other:artifacts:path}``.

| | classic | lite |
|---|---|---|
| what it does not know | left as it is written | an error |
| variables of a dependency | yes | no |
| folders | without a slash at the end | with one |
| text from the configuration | as it is | shell characters escaped |

The lite nucleus takes every ``{`` for the beginning of a variable, so ``${HOME}`` and ``{ a; b; }`` are errors there;
it then runs the script as far as it was written, which nobody means: here the step fails and says so.
Sources: nucleus ``KernelConfigResolver``; greengrass-lite ``recipe-runner/src/runner.c``.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from twin.nucleus.document import RecipeError
from twin.nucleus.recipe import Runtime
from twin.nucleus.trees import pointer

_CLASSIC: Final = re.compile(r"\{(?:([\w.\-]+):)?(artifacts|configuration|kernel|iot|work):([^{}:\s]*)\}")
_LITE: Final = re.compile(r"\{([^}]*)(\}?)")
_SHELL: Final = re.compile(r'(["\\$`])')

Pointer = tuple[str, ...]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What variables of one component stand for.

    Attributes:
        root: Folder of the nucleus.
        component: Its name.
        version: Its version.
        thing: Name of the device.
        version_of: Gives the version of a direct dependency, or ``None`` for what is none.
        configuration: Gives a component's whole configuration.
    """

    root: Path
    component: str
    version: str
    thing: str
    version_of: Callable[[str], str | None]
    configuration: Callable[[str], object]


def expand(text: str, scope: Scope, runtime: Runtime, *, quoted: bool = False) -> str:
    """A script or a value of ``Setenv`` with its variables filled in.

    Args:
        text: As the recipe has it.
        scope: What they stand for.
        runtime: Whose rules hold.
        quoted: The result is not read by a shell, so nothing is escaped.

    Raises:
        RecipeError: Under lite: a variable that is unknown, not ended or without a value.
    """
    if runtime == "classic":
        return _CLASSIC.sub(lambda found: _classic(found, scope), text)
    return _LITE.sub(lambda found: _lite(found, scope, quoted=quoted), text)


def folders(root: Path, component: str, version: str) -> dict[str, Path]:
    """Of one component, by variable."""
    return {
        "artifacts:path": root / "packages" / "artifacts" / component / version,
        "artifacts:decompressedPath": root / "packages" / "artifacts-unarchived" / component / version,
        "work:path": root / "work" / component,
    }


def _classic(found: re.Match[str], scope: Scope) -> str:
    owner, kind, key = found[1] or scope.component, found[2], found[3]
    version = scope.version if owner == scope.component else scope.version_of(owner)
    if version is None:
        return found[0]
    if kind == "configuration":
        value = look_up(scope.configuration(owner), key)
        return found[0] if value is None else _plain(value)
    return _fixed(f"{kind}:{key}", scope) or str(folders(scope.root, owner, version).get(f"{kind}:{key}", found[0]))


def _lite(found: re.Match[str], scope: Scope, *, quoted: bool) -> str:
    name = found[1]
    if not found[2]:
        raise _refused(scope, found[0][:40], "is not ended")
    if name.startswith("configuration:"):
        value = look_up(scope.configuration(scope.component), name.removeprefix("configuration:"))
        if value is None:
            raise _refused(scope, found[0], "is not in the configuration")
        return _plain(value) if quoted else _SHELL.sub(r"\\\1", _plain(value))
    fixed = _fixed(name, scope)
    folder = folders(scope.root, scope.component, scope.version).get(name)
    if fixed is None and folder is None:
        raise _refused(scope, found[0], "is no recipe variable of the lite nucleus")
    return fixed if fixed is not None else f"{folder}/"


def _refused(scope: Scope, text: str, why: str) -> RecipeError:
    return RecipeError(
        f"{scope.component}: `{text}` {why}",
        remedy="under lite every { begins a variable: write $X without braces, and give configuration a default",
    )


def _fixed(name: str, scope: Scope) -> str | None:
    return {"kernel:rootPath": str(scope.root), "iot:thingName": scope.thing}.get(name)


def look_up(document: object, written: str) -> object | None:
    """What a JSON pointer leads to, or ``None``; its first slash may be missing, and empty keys lead nowhere new."""
    value = document
    for part in pointer(f"/{written.removeprefix('/')}"):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif part:
            return None
    return value


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
