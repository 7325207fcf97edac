"""Starts the steps of one component: script with its variables, environment, folder, time limit, ``Skipif``.

Not here: which step comes when (``lifecycle``).
"""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from twin.nucleus.document import RecipeError
from twin.nucleus.logs import ComponentLog
from twin.nucleus.processes import Keeper, Running
from twin.nucleus.recipe import Recipe, Runtime
from twin.nucleus.variables import Scope, expand, folders

TIMEOUTS_S: Final[dict[str, float | None]] = {
    "bootstrap": 120.0,
    "install": 120.0,
    "startup": 120.0,
    "run": None,
    "shutdown": 15.0,
    "recover": 60.0,
    "uninstall": 120.0,
}
"""Where a recipe gives none (nucleus ``Lifecycle.java``); lite has 120 s for each (``unit_file_generator.c``)."""

GRACE_S: Final = {"classic": 5.0, "lite": 120.0}
"""From SIGTERM to SIGKILL. Classic: ``Exec.java``, fixed; lite: ``TimeoutSec`` of the unit, the step's ``Timeout``."""

TIMED_OUT: Final = -1
STOPPED: Final = -2
_POLL_S: Final = 0.1


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a component's steps need of the nucleus.

    Attributes:
        scope: For variables.
        environment: Made anew for every process.
        log: Takes what they write.
        keeper: Ends them after the nucleus.
        runtime: Whose rules hold.
        grace_s: From SIGTERM to SIGKILL; ``None`` for what the nucleus gives (``GRACE_S``).
    """

    scope: Scope
    environment: Callable[[], Mapping[str, str]]
    log: ComponentLog
    keeper: Keeper
    runtime: Runtime
    grace_s: float | None = None


class Steps:
    """Of one version of one component.

    Args:
        recipe: Its recipe.
        around: What the nucleus lends.
    """

    def __init__(self, recipe: Recipe, around: Surroundings) -> None:
        self.recipe = recipe
        self.log = around.log
        self._around = around

    def __contains__(self, name: str) -> bool:
        return name in self.recipe.steps

    def start(self, name: str) -> Running:
        """A step, in the component's work folder.

        Raises:
            RecipeError: A variable has no value.
        """
        step = self.recipe.steps[name]
        environment = {
            **self._around.environment(),
            **self._expanded(self.recipe.environment),
            **self._expanded(step.environment),
        }
        return Running(
            self._expand(step.script),
            name=name,
            environment=environment,
            folder=self._folder(),
            log=self.log,
            keeper=self._around.keeper,
        )

    def run(self, name: str, stop: threading.Event) -> int:
        """A step to its end; its exit code, ``TIMED_OUT`` or ``STOPPED``. A step that is skipped is 0."""
        if name not in self or self._is_skipped(name):
            return 0
        try:
            running, limit = self.start(name), self.timeout_s(name)
        except RecipeError as exc:
            self.log.write("nucleus", f"{name} cannot be run: {exc}; try: {exc.remedy}")
            return 1
        begun = time.monotonic()
        while (code := running.wait(_POLL_S)) is None:
            if stop.is_set():
                running.stop(self.grace_s(name))
                return STOPPED
            if limit is not None and time.monotonic() - begun > limit:
                running.stop(self.grace_s(name))
                self.log.write("nucleus", f"{name} took more than {limit:g} s; give it a larger Timeout")
                return TIMED_OUT
        running.stop(0.0)
        return code

    def timeout_s(self, name: str) -> float | None:
        """Of a step; ``None`` for no limit.

        Raises:
            RecipeError: Its variable leads to no number.
        """
        given = self.recipe.steps[name].timeout_s
        if given is None:
            return None if name == "run" else 120.0 if self._around.runtime == "lite" else TIMEOUTS_S[name]
        if isinstance(given, str):
            text = self._expand(given)
            if not text.isdigit():
                raise RecipeError(f"{name}: Timeout `{given}` is `{text}`", remedy="let it lead to a number of seconds")
            return float(text)
        return float(given)

    def grace_s(self, name: str) -> float:
        """How long a step has to end after SIGTERM."""
        step = self.recipe.steps.get(name)
        if self._around.grace_s is not None:
            return self._around.grace_s
        if self._around.runtime == "lite" and step is not None and isinstance(step.timeout_s, int | float):
            return float(step.timeout_s)
        return GRACE_S[self._around.runtime]

    def _is_skipped(self, name: str) -> bool:
        words = self.recipe.steps[name].skip_if.split(maxsplit=1)
        if len(words) != 2:  # noqa: PLR2004 - a condition and what it is about
            return False
        kind, what = words[0].lower(), self._expand(words[1])
        met = Path(what).exists() if kind == "exists" else kind == "onpath" and shutil.which(what) is not None
        if met:
            self.log.write("nucleus", f"{name} skipped: {words[0]} {what}")
        return met

    def _folder(self) -> Path:
        folder = folders(self._around.scope.root, self.recipe.name, self.recipe.version)["work:path"]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _expanded(self, values: Mapping[str, str]) -> dict[str, str]:
        return {
            name: expand(value, self._around.scope, self._around.runtime, quoted=True) for name, value in values.items()
        }

    def _expand(self, text: str) -> str:
        return expand(text, self._around.scope, self._around.runtime)
