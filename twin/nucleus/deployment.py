"""Does one deployment: resolve, ask, lay out, stop, install, start, wait, and go back if that fails.

```
classic: resolve ▸ validate ▸ notify, while deferred ▸ artifacts ▸ configure ▸ stop ▸ install ▸ start ▸ wait ▸ tell
lite:    resolve ▸ artifacts ▸ configure ▸ install (the old one still runs) ▸ stop ▸ start ▸ wait
```
Classic goes back to what ran before when it fails (``ROLLBACK``); lite stays where it is.
Sources: nucleus ``DeploymentConfigMerger``, ``DefaultActivator``, ``UpdateSystemPolicyService``; greengrass-lite
``ggdeploymentd/src/deployment_handler.c``.
Not here: the order of deployments (``deployments``), what one means (``plan``).
"""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twin.errors import TwinError
from twin.nucleus import artifacts
from twin.nucleus.configuration import Resolved
from twin.nucleus.deployed import Deployed
from twin.nucleus.lifecycle import Service
from twin.nucleus.means import Means
from twin.nucleus.plan import Outcome, Plan, Request, Status, plan, roots_after
from twin.nucleus.recipe import Recipe
from twin.nucleus.trees import KeyPath, Tree

DEFERRAL_S: Final = 24 * 3600.0
"""Components may put a deployment off for ever; the emulator ends it after a day."""


class Deployment:
    """One request on its way.

    Args:
        request: What is asked; its id is filled.
        around: What it works with.
        stop: Set when the nucleus ends; waiting ends with it.
    """

    def __init__(self, request: Request, around: Means, stop: threading.Event) -> None:
        self._request = request
        self._around = around
        self._stop = stop

    def run(self) -> Outcome:
        """Does it; a failure is in the outcome."""
        try:
            before = self._around.file.load()
            wanted = self._plan(before)
            laid_out = self._lay_out(wanted)
            self._ask(laid_out)
        except TwinError as exc:
            return self._outcome("FAILED_NO_STATE_CHANGE", exc)
        snapshot = self._around.settings.snapshot()
        running = self._around.roster.recipes()
        try:
            self._change(wanted, laid_out)
        except TwinError as exc:
            return self._failed(exc, running, snapshot=snapshot)
        self._around.file.save(_deployed(wanted.roots, wanted.recipes))
        if self._around.runtime == "classic":
            self._around.voice.post_update(self._request.id)
        return self._outcome("SUCCEEDED")

    def _plan(self, before: Deployed) -> Plan:
        library, request = self._around.library, self._request
        if request.recipes:
            library.take(Path(request.recipes))
        if request.artifacts:
            artifacts.take(Path(request.artifacts), self._around.root)
        roots = roots_after(request, before)
        recipes = library.resolve(roots)
        running = self._around.roster.recipes()
        return plan(request, recipes, running, roots=roots, runtime=self._around.runtime)

    def _lay_out(self, wanted: Plan) -> list[Resolved]:
        now_ms = time.time_ns() // 1_000_000
        laid_out = []
        for name in wanted.configured:
            change = self._request.configuration.get(name)
            laid_out.append(
                self._around.settings.resolve(
                    name,
                    defaults=wanted.recipes[name].defaults,
                    reset=change.reset if change else (),
                    merge=change.merge if change else None,
                    ms=now_ms,
                )
            )
        return laid_out

    def _ask(self, laid_out: list[Resolved]) -> None:
        """Classic: components may refuse their configuration, and put the deployment off."""
        if self._around.runtime == "lite":
            return
        running = {one.component: one.value for one in laid_out if one.component in self._around.roster}
        refused = self._around.voice.validate(running, self._request.id, timeout_s=self._request.validate_timeout_s)
        if refused:
            said = "; ".join(f"{name}: {reason}" for name, reason in sorted(refused.items()))
            raise TwinError(f"configuration refused by {said}", remedy="correct the deployment's configuration")
        deadline = time.monotonic() + DEFERRAL_S
        while self._request.notify and (pause_ms := self._notify()):
            if self._stop.wait(pause_ms / 1000) or time.monotonic() > deadline:
                raise TwinError("put off by a component until the nucleus ended", remedy="deploy again")

    def _notify(self) -> int:
        timeout_s = self._request.notify_timeout_s
        return self._around.voice.pre_update(self._request.id, is_restarting=False, timeout_s=timeout_s)

    def _change(self, wanted: Plan, laid_out: list[Resolved]) -> None:
        for name in wanted.installed:
            artifacts.prepare(wanted.recipes[name], self._around.root, runtime=self._around.runtime)
        changed = {one.component: self._around.settings.install(one) for one in laid_out}
        services = [self._around.roster.make(wanted.recipes[name]) for name in wanted.installed]
        if self._around.runtime == "lite":
            self._install(services)
            self._replace(wanted.removed, services)
        else:
            self._replace(wanted.removed, services)
            self._obey(self._install(services))
        self._around.roster.start(wanted.installed)
        self._tell({name: paths for name, paths in changed.items() if name not in wanted.installed})
        self._await(wanted)
        for name in wanted.removed:
            self._around.settings.remove(name)

    def _replace(self, removed: tuple[str, ...], services: list[Service]) -> None:
        """Stops what goes or is replaced, dependents first, and puts the new ones in its place."""
        roster = self._around.roster
        roster.stop([*removed, *(service.recipe.name for service in services if service.recipe.name in roster)])
        for name in removed:
            if self._around.runtime == "classic":
                roster[name].uninstall()
            roster.remove(name)
        for service in services:
            roster.put(service)

    def _install(self, services: list[Service]) -> list[str]:
        return [asked for service in services if (asked := service.install(self._stop))]

    def _obey(self, asked: list[str]) -> None:
        """``bootstrap`` asked for a restart: every component is stopped and started."""
        if asked:
            names = self._around.roster.names()
            self._around.roster.stop(names)
            self._around.roster.start(names)

    def _await(self, wanted: Plan) -> None:
        idle = [name for name, recipe in wanted.recipes.items() if not recipe.serves]
        if idle and self._around.runtime == "lite":
            raise TwinError(  # gghealthd/src/sd_bus.c says INSTALLED for ever; wait_for_deployment_status takes 300 s
                f"{idle[0]} has neither run nor startup: the lite nucleus waits for it in vain",
                remedy="give it a `run` that ends with 0",
            )
        self._stop.wait(self._around.settle_s)
        bad = self._around.roster.await_good(wanted.recipes, self._around.wait_s, self._stop)
        if bad:
            said = ", ".join(f"{name} is {state}" for name, state in bad.items())
            raise TwinError(said, remedy=f"read {self._around.root}/logs/{next(iter(bad))}.log")

    def _failed(self, error: TwinError, running: dict[str, Recipe], *, snapshot: Mapping[str, Tree]) -> Outcome:
        if self._stop.is_set():  # the nucleus ends: its next start begins with what was good last
            self._around.settings.restore(snapshot)
            return self._outcome("FAILED_NO_STATE_CHANGE", error)
        if self._around.runtime == "lite" or not self._request.rollback:
            self._keep_what_is_there()
            return self._outcome("FAILED_ROLLBACK_NOT_REQUESTED", error)
        try:
            self._go_back(running, snapshot)
        except TwinError as exc:
            self._keep_what_is_there()
            return self._outcome("FAILED_UNABLE_TO_ROLLBACK", TwinError(f"{error}; then {exc}", remedy=exc.remedy))
        return self._outcome("FAILED_ROLLBACK_COMPLETE", error)

    def _go_back(self, running: dict[str, Recipe], snapshot: Mapping[str, Tree]) -> None:
        roster = self._around.roster
        now = roster.recipes()
        lost = [name for name, recipe in running.items() if now.get(name) != recipe or self._is_broken(name)]
        gone = tuple(name for name in reversed(roster.names()) if name not in running)
        changed = self._around.settings.restore(snapshot)
        services = [roster.make(running[name]) for name in lost]
        self._replace(gone, services)
        self._install(services)
        roster.start(lost)
        self._tell({name: paths for name, paths in changed.items() if name in running and name not in lost})
        bad = roster.await_good(running, self._around.wait_s, self._stop)
        if bad:
            raise TwinError(f"after going back: {bad}", remedy="read the logs of these components")

    def _tell(self, changed: Mapping[str, list[KeyPath]]) -> None:
        """Components that go on running hear where their configuration changed."""
        for name, paths in changed.items():
            for path in paths:
                self._around.voice.configuration_changed(name, path)

    def _is_broken(self, name: str) -> bool:
        return name in self._around.roster and self._around.roster[name].state == "BROKEN"

    def _keep_what_is_there(self) -> None:
        recipes = self._around.roster.recipes()
        roots = {**self._around.file.load().roots, **self._request.add}
        self._around.file.save(_deployed({n: v for n, v in roots.items() if n in recipes}, recipes))

    def _outcome(self, status: Status, error: TwinError | None = None) -> Outcome:
        message, remedy = (str(error), error.remedy) if error else ("", "")
        return Outcome(id=self._request.id, status=status, message=message, remedy=remedy)


def _deployed(roots: Mapping[str, str], recipes: Mapping[str, Recipe]) -> Deployed:
    return Deployed(roots=dict(roots), components={name: recipe.version for name, recipe in recipes.items()})
