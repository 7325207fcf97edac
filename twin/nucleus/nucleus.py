"""A nucleus on this machine: one root folder, its components, their IPC server, its deployments.

```
<root>/  deployed.json  configuration.json  control.sock  ipc.socket | gg-ipc.socket
         packages/{recipes,artifacts,artifacts-unarchived}/  work/<component>/  logs/<component>.log
```
After a restart it runs again what was deployed; classic runs ``install`` again, as the real one does.
Not here: the command line (``thresher.commands.nucleus``), its socket (``control``), the IPC protocol (``ipc``).
"""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec

from twin.errors import TwinError, UsageError
from twin.nucleus import deployment, steps, switchboard
from twin.nucleus.artifacts import prepare
from twin.nucleus.broker import Broker
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.deployed import DeployedFile
from twin.nucleus.deployments import DeploymentQueue
from twin.nucleus.environment import Device, environment
from twin.nucleus.ipc import NucleusIpc
from twin.nucleus.library import Library
from twin.nucleus.lifecycle import Service
from twin.nucleus.live_registry import LiveRegistry
from twin.nucleus.logs import ComponentLog
from twin.nucleus.means import Means
from twin.nucleus.plan import Outcome, Request
from twin.nucleus.processes import Keeper
from twin.nucleus.profile import PROFILES
from twin.nucleus.recipe import Recipe, Runtime
from twin.nucleus.roster import Roster
from twin.nucleus.states import State
from twin.nucleus.tokens import Tokens
from twin.nucleus.variables import Scope

SETTLE_S: Final = {"classic": 0.0, "lite": 5.0}
"""How long a deployment waits before it looks at its components (greengrass-lite ``wait_for_deployment_status``)."""

Tell = Callable[[str, State], None]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a nucleus is set up.

    Attributes:
        root: Its folder; made if it is missing.
        runtime: ``classic`` or ``lite``.
        device: What it knows of its device.
        secrets: File of secrets, for ``GetSecretValue``.
        settle_s: See ``SETTLE_S``; ``None`` for that.
        grace_s: From SIGTERM to SIGKILL; ``None`` for what the nucleus gives.
    """

    root: Path
    runtime: Runtime
    device: Device
    secrets: Path | None = None
    settle_s: float | None = None
    grace_s: float | None = None


class Nucleus:
    """A context manager; any thread may call it while it is open.

    Args:
        options: How it is set up.
        broker: IoT Core; ``None`` where the device is not provisioned.
        tell: Hears of every new state of a component.

    Raises:
        UsageError: Another nucleus has this root.
    """

    def __init__(
        self, options: Options, *, broker: Broker | None = None, tell: Tell = lambda _name, _state: None
    ) -> None:
        self.root = options.root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self._options = options
        self._tell = tell
        self._lock = _lock(self.root)
        profile = PROFILES[options.runtime]
        self._settings = ConfigurationStore(self.root / "configuration.json", profile)
        self._tokens = Tokens(options.runtime)
        self._library = Library(self.root, options.runtime)
        self._file = DeployedFile(self.root)
        self._keeper = Keeper()
        self.roster = Roster(options.runtime, self._make)
        self.deployments = DeploymentQueue(self._deploy, first=self._resume)
        self.ipc = NucleusIpc(
            self.root / profile.socket_name,
            LiveRegistry(self._tokens, self.roster, self._settings, self.deployments),
            profile=profile,
            configuration=self._settings,
            surroundings=switchboard.Surroundings(
                thing_name=options.device.thing,
                broker=broker,
                secrets=options.secrets,
                shadows=self.root / "shadows.json",
            ),
        )

    @property
    def runtime(self) -> Runtime:
        """Which one it is."""
        return self._options.runtime

    def __enter__(self) -> Self:
        self.ipc.start()
        self.deployments.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops every component, then everything else. A second call does nothing more."""
        self.deployments.stop()
        self.roster.stop()
        self.ipc.close()
        self._keeper.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def deploy(self, request: Request) -> Outcome:
        """Does a deployment after those that wait; returns how it went.

        Raises:
            TwinError: Too many wait, or the nucleus ended before it.
        """
        _, done = self.deployments.submit(request)
        return done.result()

    def restart_ipc(self) -> None:
        """The IPC server goes and comes back; on lite that refuses every token there was."""
        self.ipc.stop()
        self._tokens.server_restarted()
        self.ipc.start()

    def _deploy(self, request: Request) -> Outcome:
        around = Means(
            root=self.root,
            runtime=self.runtime,
            library=self._library,
            roster=self.roster,
            settings=self._settings,
            voice=self.ipc,
            file=self._file,
            settle_s=SETTLE_S[self.runtime] if self._options.settle_s is None else self._options.settle_s,
        )
        return deployment.Deployment(request, around, self.deployments.stopping).run()

    def _resume(self) -> None:
        """Runs what was deployed before. What cannot be installed is broken, and the rest runs.

        Raises:
            TwinError: A recipe is gone, or this nucleus would refuse it: nothing runs.
        """
        components = self._file.load().components
        recipes = self._library.resolve(components) if components else {}
        for recipe in recipes.values():
            service = self.roster.make(recipe)
            self.roster.put(service)
            try:
                prepare(recipe, self.root, runtime=self.runtime)
                if self.runtime == "classic":
                    service.install(self.deployments.stopping, with_bootstrap=False)
            except TwinError as exc:
                service.refuse(f"not started again: {exc}; try: {exc.remedy}")
        self.roster.start([name for name, state in self.roster.states().items() if state is not State.BROKEN])

    def _make(self, recipe: Recipe, is_ready: Callable[[], bool], heard: Tell) -> Service:
        token = self._tokens.load(recipe.name)
        around = steps.Surroundings(
            scope=self._scope(recipe),
            environment=lambda: environment(
                self._options.device,
                runtime=self.runtime,
                socket=self.ipc.path,
                token=token(),
                home=self.root / "work" / recipe.name,
            ),
            log=ComponentLog(self.root / "logs" / f"{recipe.name}.log"),
            keeper=self._keeper,
            runtime=self.runtime,
            grace_s=self._options.grace_s,
        )

        def tell(name: str, state: State) -> None:
            heard(name, state)
            self._tell(name, state)

        return Service(steps.Steps(recipe, around), runtime=self.runtime, is_ready=is_ready, tell=tell)

    def _scope(self, recipe: Recipe) -> Scope:
        def configuration(component: str) -> object:
            with contextlib.suppress(KeyError):
                return self._settings.read(component)
            return {}

        def version_of(component: str) -> str | None:
            known = component in recipe.dependencies and component in self.roster
            return self.roster[component].recipe.version if known else None

        return Scope(
            root=self.root,
            component=recipe.name,
            version=recipe.version,
            thing=self._options.device.thing,
            version_of=version_of,
            configuration=configuration,
        )


def _lock(root: Path) -> int:
    """Held as long as the nucleus lives; the kernel drops it, however that ends."""
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        raise UsageError(f"{root}: another nucleus runs there", remedy="stop it, or give another --root") from exc
    return descriptor
