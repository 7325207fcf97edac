"""All components of one nucleus, and what the life of one means for the others.

| a HARD dependency … | classic | lite (``BindsTo``, no ``After``) |
|---|---|---|
| has not started | its dependent waits | both start at once |
| fails, restarts or is stopped | its dependent restarts with it | its dependent is stopped |
| has finished | its dependent goes on | its dependent is stopped |
| has neither ``run`` nor ``startup`` | counts as finished | its dependent cannot start |

A SOFT dependency only orders the start. Sources: nucleus ``GreengrassService.java``; greengrass-lite
``recipe2unit/src/unit_file_generator.c`` (``parse_dependency_type``).
Not here: which components there should be (``deployment``).
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from twin.nucleus.library import BUILT_IN, in_order
from twin.nucleus.lifecycle import Service
from twin.nucleus.recipe import Recipe, Runtime
from twin.nucleus.states import GOOD, State

Make = Callable[[Recipe, Callable[[], bool], Callable[[str, State], None]], Service]
"""A service of a recipe, its dependencies' readiness, and who hears of its states."""

_POLL_S: Final = 0.05
_FALLEN: Final = (State.ERRORED, State.STOPPING, State.BROKEN)


class Roster:
    """Components by name; methods that change it belong to one thread, the rest to any.

    Args:
        runtime: Whose rules hold.
        make: Makes a service.
    """

    def __init__(self, runtime: Runtime, make: Make) -> None:
        self._runtime = runtime
        self._make = make
        self._services: dict[str, Service] = {}
        self._mutex = threading.RLock()

    def __contains__(self, name: str) -> bool:
        return name in self._services

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def names(self) -> list[str]:
        """Of all components, dependencies first."""
        with self._mutex:
            return in_order({name: service.recipe for name, service in self._services.items()})

    def recipes(self) -> dict[str, Recipe]:
        """Of all components."""
        with self._mutex:
            return {name: service.recipe for name, service in self._services.items()}

    def states(self) -> dict[str, State]:
        """Of all components."""
        with self._mutex:
            return {name: service.state for name, service in self._services.items()}

    def make(self, recipe: Recipe) -> Service:
        """A component that is neither installed nor started, and not of this roster yet."""
        return self._make(recipe, lambda: self._is_ready(recipe), self._heard)

    def put(self, service: Service) -> None:
        """Takes it in; what was there under its name must have been stopped."""
        with self._mutex:
            self._services[service.recipe.name] = service

    def remove(self, name: str) -> None:
        """Stops a component and forgets it."""
        self._services[name].stop()
        with self._mutex:
            del self._services[name]

    def start(self, names: Iterable[str]) -> None:
        """Begins to run components, dependencies first; returns at once."""
        wanted = set(names)
        for name in self.names():
            if name in wanted:
                lacking = self._without_unit(self._services[name].recipe)
                if lacking:
                    self._services[name].refuse(f"it depends HARD on {lacking}, which has neither run nor startup")
                else:
                    self._services[name].start()

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Stops components, dependents first; without names: all."""
        wanted = set(self._services if names is None else names)
        for name in reversed(self.names()):
            if name in wanted:
                self._services[name].stop()

    def await_good(self, names: Iterable[str], timeout_s: float, stop: threading.Event) -> dict[str, State]:
        """Waits until these run or have finished; returns those that do not. A broken one or ``stop`` ends it early."""
        wanted, deadline = list(names), time.monotonic() + timeout_s
        while True:
            bad = {name: self._services[name].state for name in wanted if self._services[name].state not in GOOD}
            if not bad or State.BROKEN in bad.values() or time.monotonic() > deadline or stop.wait(_POLL_S):
                return bad

    def _is_ready(self, recipe: Recipe) -> bool:
        with self._mutex:
            found = [self._services.get(name) for name in _hard(recipe) if name not in BUILT_IN[self._runtime]]
        return all(service is not None and service.state in GOOD for service in found)

    def _without_unit(self, recipe: Recipe) -> str:
        if self._runtime == "classic":
            return ""
        there = [self._services[name].recipe for name in _hard(recipe) if name in self._services]
        return next((other.name for other in there if not other.serves), "")

    def _heard(self, name: str, state: State) -> None:
        if state not in _FALLEN and not (state is State.FINISHED and self._runtime == "lite"):
            return
        with self._mutex:
            hit = [service for service in self._services.values() if name in _hard(service.recipe)]
        for service in hit:
            if self._runtime == "lite":
                service.halt()
            elif service.state in (State.RUNNING, State.STARTING):
                service.restart()


def _hard(recipe: Recipe) -> list[str]:
    return [name for name, dependency in recipe.dependencies.items() if dependency.hard]
