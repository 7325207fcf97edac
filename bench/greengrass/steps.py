"""What goes wrong, one after the other, and how it must end: the data flow again.

Not here: installing and accounting (``trial``).
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from bench.greengrass.sets import working
from bench.greengrass.trial import Trial
from twin.errors import TwinError

RENEW_S: Final = 10
"""Subscriptions are begun anew so often here, not every ten minutes: nothing else notices one that died."""

_OPEN_S: Final = 60.0
_FLOWS_S: Final = 60.0
_BACK_S: Final = 15.0
_STARTED: Final = '"event": "component.started"'
_DEFERRED: Final = '"reason": "an episode is open'


class Taken(NamedTuple):
    """A step that was taken, and the seconds until something was stored again."""

    name: str
    seconds: float


def _begins(trial: Trial) -> int:
    return trial.log().count(_STARTED)


def new_version(trial: Trial, version: str) -> float:
    """While an episode is open: classic asks and is put off, within its limit; lite does not ask."""
    trial.until(trial.episode_is_open, _OPEN_S, "no episode opened")
    before = _begins(trial)
    trial.deploy(version, working(trial.recording))
    trial.until(lambda: _begins(trial) > before, _OPEN_S, "the new version did not begin")
    if trial.version() != version:
        raise TwinError(f"{trial.thing}: {trial.version()} runs, not {version}")
    if trial.runtime == "classic" and _DEFERRED not in trial.log():
        raise TwinError(f"{trial.thing}: the deployment was not put off for the open episode")
    return trial.flows(_FLOWS_S)


def configuration(trial: Trial) -> float:
    """Classic leaves the process running, which takes the change; lite starts it anew."""
    before = _begins(trial)
    trial.deploy(trial.version(), {**working(trial.recording), "summary_s": 0.5})
    if trial.runtime == "lite":
        trial.until(lambda: _begins(trial) > before, _OPEN_S, "the process did not begin anew")
    seconds = trial.flows(_FLOWS_S)
    if trial.runtime == "classic" and _begins(trial) != before:
        raise TwinError(f"{trial.thing}: the process began anew for a change of its configuration")
    return seconds


def ipc_server(trial: Trial) -> float:
    """The IPC server goes and comes back."""
    trial.nucleus.restart_ipc()
    return trial.flows(_FLOWS_S)


def nucleus(trial: Trial) -> float:
    """The nucleus goes with all components, and comes back."""
    trial.restart()
    return trial.flows(_FLOWS_S)


def subscriptions(trial: Trial) -> float:
    """Every subscription to IoT Core dies, and nobody says so (greengrass-lite issue 1172)."""
    if not trial.nucleus.ipc.drop_subscriptions(operation="SubscribeToIoTCore"):
        raise TwinError(f"{trial.thing}: there was no subscription to lose")
    return trial.flows(_FLOWS_S)


def offline(trial: Trial, seconds: float) -> float:
    """IoT Core is out of reach."""
    trial.nucleus.ipc.go_offline()
    time.sleep(2.0)
    before = trial.stored()
    time.sleep(seconds)
    if trial.stored() != before:
        raise TwinError(f"{trial.thing}: something was stored while it was offline")
    trial.nucleus.ipc.go_online()
    return trial.flows(_BACK_S)


def take_all(trial: Trial, *, version: str, offline_s: float) -> list[Taken]:
    """All of them."""
    steps: dict[str, Callable[[], float]] = {
        "new version": lambda: new_version(trial, version),
        "configuration": lambda: configuration(trial),
        "IPC server": lambda: ipc_server(trial),
        "nucleus": lambda: nucleus(trial),
        "silent subscriptions": lambda: subscriptions(trial),
        "offline": lambda: offline(trial, offline_s),
    }
    return [Taken(name, round(step(), 1)) for name, step in steps.items()]
