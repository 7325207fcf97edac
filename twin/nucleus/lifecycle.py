"""The life of one component: installed, started, kept running, stopped; what fails is tried again, three times an hour.

```
NEW ─ bootstrap, install ─▶ INSTALLED ─▶ STARTING ─▶ RUNNING ─ exit 0 ─▶ FINISHED
                                ▲            │           │
                                └─ recover ◀─┴ ERRORED ◀─┘ exit ≠ 0, ERRORED reported
                                               │ third in an hour
                                               ▼
                                             BROKEN
```
| | classic | lite (systemd) |
|---|---|---|
| before the next try | ``recover``, ``shutdown`` | one second |
| a process ended by SIGTERM, SIGINT, SIGHUP, SIGPIPE | an error | a clean end |
| neither ``run`` nor ``startup`` | FINISHED | stays INSTALLED |
| ``ERRORED`` reported over IPC | an error | nothing |
| a HARD dependency is not there | waits for it | is stopped with it |

Sources: nucleus ``Lifecycle.java``, ``GenericExternalService.java``; greengrass-lite ``recipe2unit`` and ``gghealthd``.
Not here: other components (``roster``); processes (``processes``).
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Final

from twin.errors import TwinError
from twin.nucleus.document import RecipeError
from twin.nucleus.processes import Running
from twin.nucleus.recipe import Runtime
from twin.nucleus.states import RESTART_CODES, RULES, Rules, State
from twin.nucleus.steps import STOPPED, Steps

_CLEAN_SIGNALS: Final = (-signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE)
_POLL_S: Final = 0.1
_JOIN_S: Final = 180.0


class Service:
    """One component at work. ``install``, ``start`` and ``stop`` belong to whoever deploys; the rest to any thread.

    Args:
        steps: Its steps.
        runtime: Whose rules hold.
        is_ready: Whether every HARD dependency runs or has finished.
        tell: Hears of every new state; must not block.
        rules: Of trying again.
    """

    def __init__(
        self,
        steps: Steps,
        *,
        runtime: Runtime,
        is_ready: Callable[[], bool],
        tell: Callable[[str, State], None],
        rules: Rules | None = None,
    ) -> None:
        self.recipe = steps.recipe
        self.state = State.NEW
        self.starts = 0
        self._steps = steps
        self._runtime = runtime
        self._is_ready = is_ready
        self._tell = tell
        self._rules = rules or RULES[runtime]
        self._errors: dict[str, list[float]] = {}
        self._stopping = threading.Event()
        self._again = threading.Event()
        self._reported: State | None = None
        self._thread: threading.Thread | None = None
        self._running: Running | None = None

    def install(self, stop: threading.Event, *, with_bootstrap: bool = True) -> str:
        """Runs ``bootstrap`` and ``install``; returns what the first asks for (``RESTART_CODES``), or nothing.

        Args:
            stop: Ends it early.
            with_bootstrap: Not after a restart of the nucleus: that step belongs to a new version.

        Raises:
            TwinError: One of them failed three times, and the component is broken; or it was ended early.
        """
        asked = ""
        for name in ("bootstrap", "install") if with_bootstrap else ("install",):
            while (code := self._steps.run(name, stop)) != 0:
                if name == "bootstrap" and code in RESTART_CODES:
                    asked = RESTART_CODES[code]
                    break
                if code == STOPPED:
                    raise TwinError(f"{self.recipe.name}: {name} was ended with the nucleus", remedy="deploy it again")
                self._fail(name, code)
                if self.state is State.BROKEN:
                    raise TwinError(
                        f"{self.recipe.name}: {name} failed with exit code {code}: {self._steps.log.tail(5)}",
                        remedy=f"read its log: {self._steps.log.path}",
                    )
        self._set(State.INSTALLED)
        return asked

    def start(self) -> None:
        """Begins to keep it running; returns at once."""
        if not self.recipe.serves:
            if self._runtime == "classic":
                self._set(State.FINISHED)
            return
        self._stopping.clear()
        self._again.clear()
        self._errors.pop("run", None)  # lite: `systemctl reset-failed` before every start by a deployment
        self._thread = threading.Thread(target=self._live, name=self.recipe.name, daemon=True)
        self._thread.start()

    def refuse(self, reason: str) -> None:
        """It cannot be started at all; it is broken for this reason."""
        self._steps.log.write("nucleus", reason)
        self._set(State.BROKEN)

    def halt(self) -> None:
        """Asks it to stop; returns at once."""
        self._stopping.set()

    def stop(self) -> None:
        """Ends it and everything it started. A second call does nothing more."""
        self.halt()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            self._thread = None

    def restart(self) -> None:
        """Ends its processes and starts them again; that is no error. Returns at once."""
        if self._thread is None or not self._thread.is_alive():
            self.start()
        else:
            self._again.set()

    def freeze(self, *, on: bool) -> None:
        """Suspends its processes, or lets them go on (``PauseComponent``, ``ResumeComponent``)."""
        if self._running is not None:
            self._running.signal(signal.SIGSTOP if on else signal.SIGCONT)

    def report(self, state: str) -> None:
        """What the component itself says of its state, by IPC."""
        if self._runtime == "classic" or state == State.RUNNING:
            self._reported = State(state)

    def uninstall(self) -> None:
        """Runs ``uninstall``, after ``stop``."""
        self._steps.run("uninstall", threading.Event())

    def _live(self) -> None:
        while not self._stopping.is_set():
            self._again.clear()
            if not self._dependencies_ready():
                break
            name = "startup" if "startup" in self._steps else "run"
            code = self._serve(name)
            if code is None:
                continue
            if code == 0 or (self._runtime == "lite" and code in _CLEAN_SIGNALS):
                self._set(State.FINISHED)
                return
            self._fail("run", code)
            if self.state is State.BROKEN:
                self._steps.run("shutdown", threading.Event())
                return
        self._set(State.FINISHED)

    def _dependencies_ready(self) -> bool:
        while self._runtime == "classic" and not self._is_ready():
            if self._stopping.wait(_POLL_S):
                return False
        return not self._stopping.is_set()

    def _serve(self, name: str) -> int | None:
        """Runs it until it ends; its exit code, ``None`` if it was to end."""
        self._reported = None
        self._set(State.STARTING)
        try:
            running, limit = self._steps.start(name), self._steps.timeout_s(name)
        except RecipeError as exc:
            self._steps.log.write("nucleus", f"{name} cannot be run: {exc}; try: {exc.remedy}")
            return 1
        self.starts += 1
        self._running = running
        if name == "run":
            self._set(State.RUNNING)
            limit = None if self._runtime == "lite" else limit
        code = self._watch(running, name, limit)
        if code is None:
            self._set(State.STOPPING)
            self._steps.run("shutdown", threading.Event())
        running.stop(self._steps.grace_s(name) if code is None else 0.0)
        return code

    def _watch(self, running: Running, name: str, limit_s: float | None) -> int | None:
        begun = time.monotonic()
        code: int | None = None
        while not self._stopping.is_set() and not self._again.is_set():
            if self._reported is State.ERRORED:
                return 1
            if self._reported is State.RUNNING and self.state is State.STARTING:
                self._set(State.RUNNING)
            if code is None:
                code = running.wait(_POLL_S)
                if code is None and limit_s is not None and time.monotonic() - begun > limit_s:
                    self._steps.log.write("nucleus", f"{name} took more than {limit_s:g} s; give it a larger Timeout")
                    return 1
            elif code != 0 or name == "run":
                return code
            else:  # a startup that has ended well stays until it is stopped
                self._set(State.RUNNING)
                self._stopping.wait(_POLL_S)
        return None

    def _fail(self, name: str, code: int) -> None:
        """One more error: ERRORED and what is done before the next try, or BROKEN."""
        now = time.monotonic()
        recent = [at for at in self._errors.get(name, []) if now - at < self._rules.window_s]
        self._errors[name] = [*recent, now]
        self._steps.log.write("nucleus", f"{name} ended with exit code {code}, error {len(recent) + 1}")
        if len(recent) + 1 >= self._rules.errors:
            self._set(State.BROKEN)
            return
        self._set(State.ERRORED)
        self._steps.run("recover", self._stopping)
        if name == "run":
            self._steps.run("shutdown", self._stopping)
        self._stopping.wait(self._rules.pause_s)

    def _set(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._steps.log.write("nucleus", f"state {state}")
            self._tell(self.recipe.name, state)
