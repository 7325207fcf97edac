"""A gateway on which version 1.0.0 of one thing is in use, or what was shipped, and 1.1.0 is ordered.

```
<place>/state/update/    order.json, state.json, download      <place>/things/<name>/    releases and the link
<place>/state/spool.sqlite3, counters.json                     <place>/ledger            numbers of accepted events
```
"""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from bench.updates.helpers import GOOD, NAMES, LinkTarget, PlainTrust, SaidProbe, SaidQuiet, make_bundle
from contract.jobs import Bundle, Kind
from device_agent.fault_points import reach
from device_agent.fleet.update.bootstrap import machine_of
from device_agent.fleet.update.download import Downloads, Fetch, Limits
from device_agent.fleet.update.machine import Machine
from device_agent.fleet.update.orders import UPDATE_FOLDER, FileUpdates
from device_agent.fleet.update.parts import Bounds, Helpers
from device_agent.fleet.update.port import Order, Probe, Target, Trust, UpdateState, Verdict
from device_agent.fleet.update.source import Access
from device_agent.fleet.update.tree import tree_digest

OLD: Final = "1.0.0"
NEW: Final = "1.1.0"
ORDER: Final = "job.1.0"
_FIRST: Final = "job.0.0"
_FILES: Final[Mapping[Kind, Mapping[str, bytes]]] = {
    "application": {"bin/thresher": b"#!/bin/sh\n" * 900, "lib/one.py": b"1\n" * 4000, "lib/two/three.py": b"3\n"},
    "model": {"level-8.tflite": bytes(range(256)) * 80, "level.card.json": b"{}\n" * 100},
    "configuration": {"gateway-layer.yaml": b"health_s: 30\n"},
}
_BOUNDS: Final = Bounds(download_within_s=3600.0, spare_bytes=0, look_every_s=0.001)


class Place:
    """The folders of one trial.

    Args:
        folder: Of the place.
        kind: What is updated.
        bundles: Where bundles lie, and what they are as orders.
        first: Whether it is the first update ever.
    """

    def __init__(self, folder: Path, kind: Kind, bundles: Path, *, first: bool = False) -> None:
        self.bundles = bundles
        self.first = first
        self.folder = folder
        self.kind = kind
        self.name: Final = NAMES[kind]
        self.state: Final = folder / "state"
        self.update: Final = self.state / UPDATE_FOLDER
        self.ledger: Final = folder / "ledger"
        self.target: Final = LinkTarget(folder / "things")
        self.root: Final = folder / "things" / self.name

    def prepared(self) -> "Place":
        """With the old version in use and committed, unless it is the first update."""
        self.state.mkdir(parents=True)
        self._make(NEW, 2)
        if not self.first:
            self._make(OLD, 1)
            self.submit(OLD, _FIRST)
            machine = self.machine()
            machine.recover()
            while machine.turn(threading.Event()):
                pass
        return self

    def submit(self, version: str = NEW, order_id: str = ORDER) -> None:
        """Orders a version, as whoever asks does in each of its lives."""
        bundle = msgspec.json.decode((self.bundles / f"{self.kind}-{version}.json").read_bytes(), type=Bundle)
        FileUpdates(self.update).submit(Order(order_id=order_id, bundle=bundle))

    def copied(self, folder: Path) -> "Place":
        """Another place that is as this one is."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder, symlinks=True)
        return self.at(folder)

    def at(self, folder: Path) -> "Place":
        """The same, elsewhere."""
        return Place(folder, self.kind, self.bundles, first=self.first)

    def machine(self, verdict: Verdict = GOOD, monotonic_s: Callable[[], float] = time.monotonic) -> Machine:
        """The machine of this place; what it is helped by tells when it is called."""
        helpers = Helpers(
            trust=cast("Trust", Telling("trust", PlainTrust(self.state))),
            targets={self.kind: cast("Target", Telling("target", self.target))},
            probe=cast("Probe", Telling("probe", SaidProbe(None, None, verdict))),
            quiet=SaidQuiet(),
            fetch=cast("Fetch", Telling("fetch", Downloads(Access(), Limits(1 << 24, 0, 0)))),
        )
        return machine_of(self.update, helpers, _BOUNDS, monotonic_s=monotonic_s)

    def look(self) -> UpdateState:
        """How it stands."""
        return FileUpdates(self.update).look()

    def digests(self) -> dict[str, str]:
        """By release that is there: what it holds."""
        if not self.root.is_dir():
            return {}
        return {each.name: tree_digest(each) for each in self.root.iterdir() if each.is_dir() and not each.is_symlink()}

    def _make(self, version: str, counter: int) -> None:
        files = {"version": version.encode(), **_FILES[self.kind]}
        path = self.bundles / f"{self.kind}-{version}.bundle"
        bundle = make_bundle(path, self.kind, version, files=files, counter=counter)
        path.with_suffix(".json").write_bytes(msgspec.json.encode(bundle))


class Telling:
    """Anything, with a fault point before and after each call of it."""

    def __init__(self, name: str, helper: object) -> None:
        self._name = name
        self._helper = helper

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return self._told(f"{self._name}.{method}", getattr(self._helper, method))

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401 - whatever it is
        """If it is a function."""
        return self._told(self._name, cast("Callable[..., Any]", self._helper))(*arguments)

    @staticmethod
    def _told(name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401 - same
            reach(f"{name}.begin")
            result = inner(*arguments)
            reach(f"{name}.end")
            return result

        return call
