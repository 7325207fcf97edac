"""Runs in a recorded process: power is cut in the life of an identity, and what was not synced is lost.

The cloud is as it was at the moment of the cut. Prints the cuts that did not end well, as JSON.
"""

import copy
import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.powercut.recording import record
from bench.powercut.tree import Tree
from device_agent import fault_points
from device_agent.fleet.identity.memory import MemoryCloud
from device_agent.fleet.identity.turn import settle
from tests.device_agent.fleet.identity.claimant import GATEWAY, SERIAL, Device
from tests.device_agent.fleet.identity.rotating import Cloud, Gateway


def cut(cuts: int, source: random.Random, *, live: "Life") -> list[str]:
    """Cuts one life so often; what went wrong."""
    wrong = []
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base, "life")
        folder.mkdir()
        cloud, run = live.begin(folder)
        tree = Tree(folder)
        moments: list[tuple[int, Any]] = []
        with record(folder) as recording:
            fault_points.install(lambda _: moments.append((recording.position(), copy.deepcopy(cloud))))
            run()
            fault_points.install(lambda _: None)
        done = 0
        for number, at in enumerate(sorted(source.choices(range(len(recording.steps) + 1), k=cuts))):
            tree.replay(recording.steps[done:at])
            done = at
            target = Path(base, str(number))
            target.mkdir()
            tree.cut(target, source)
            assert recording.steps, "nothing was recorded"
            latest = max((position for position, _ in moments if position <= at), default=-1)
            then = [one for position, one in moments if position == latest]
            if reason := live.go_on(target, copy.deepcopy(source.choice(then)) if then else live.fresh()):
                wrong.append(f"{type(live).__name__} cut {number} at step {at}: {reason}")
    return wrong


class Life:
    """What is lived, and how a device goes on after a cut."""

    def begin(self, folder: Path) -> tuple[Any, Callable[[], object]]:
        """The cloud, and what is cut."""
        raise NotImplementedError

    def fresh(self) -> Any:
        """The cloud before the first moment."""
        raise NotImplementedError

    def go_on(self, folder: Path, cloud: Any) -> str:
        """The next process; what is wrong."""
        raise NotImplementedError


class Provisioned(Life):
    """By claim."""

    def begin(self, folder: Path) -> tuple[Any, Callable[[], object]]:
        self._cloud = MemoryCloud({SERIAL: GATEWAY})
        return self._cloud, Device(folder, self._cloud).provision

    def fresh(self) -> Any:
        return MemoryCloud({SERIAL: GATEWAY})

    def go_on(self, folder: Path, cloud: Any) -> str:
        device = Device(folder, cloud, is_new=False)
        device.provision()
        return "" if device.is_whole() else "not whole"


class Rotated(Life):
    """By a job."""

    def begin(self, folder: Path) -> tuple[Any, Callable[[], object]]:
        cloud = Cloud()
        gateway = Gateway(folder, cloud)
        self._job = cloud.orders.order(GATEWAY)
        self._before = copy.deepcopy(cloud)
        return cloud, lambda: gateway.start(self._job)

    def fresh(self) -> Any:
        return copy.deepcopy(self._before)

    def go_on(self, folder: Path, cloud: Any) -> str:
        gateway = Gateway(folder, cloud, is_new=False)
        settle(gateway.store)
        if not gateway.can_connect():
            return "cannot connect"
        outcome = gateway.start(self._job, again=True)
        if outcome.status != "SUCCEEDED" or cloud.registry.active != {gateway.active()}:
            return f"{outcome}, {len(cloud.registry.active)} certificates"
        return ""


if __name__ == "__main__":
    chance = random.Random(7)  # noqa: S311 - the same cuts every time
    found = [reason for life in (Provisioned(), Rotated()) for reason in cut(int(sys.argv[1]), chance, live=life)]
    sys.stdout.write(json.dumps(found))
