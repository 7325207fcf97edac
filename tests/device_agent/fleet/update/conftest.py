"""A gateway's update machine on a folder, with helpers that do what a test says."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.updates.helpers import NAMES, LinkTarget, PlainTrust, SaidProbe, SaidQuiet, make_bundle
from contract.jobs import Bundle, Kind
from device_agent.fleet.port import Outcome
from device_agent.fleet.update.bootstrap import machine_of
from device_agent.fleet.update.download import Downloads, Fetch, Limits
from device_agent.fleet.update.orders import FileUpdates
from device_agent.fleet.update.parts import Bounds, Helpers
from device_agent.fleet.update.port import Order, UpdateState
from device_agent.fleet.update.source import Access

QUICK = Bounds(download_within_s=5.0, spare_bytes=0, look_every_s=0.01)
WITHIN_S = 10.0


def as_it_is(fetch: Fetch) -> Fetch:
    return fetch


@dataclass
class Gateway:
    folder: Path
    probe: SaidProbe = field(default_factory=SaidProbe)
    quiet: SaidQuiet = field(default_factory=SaidQuiet)
    bounds: Bounds = QUICK
    wrap_fetch: Callable[[Fetch], Fetch] = as_it_is
    targets: dict[Kind, LinkTarget] = field(init=False)
    updates: FileUpdates = field(init=False)
    trust: PlainTrust = field(init=False)

    def __post_init__(self) -> None:
        kinds: tuple[Kind, ...] = ("application", "model", "configuration")
        self.targets = {kind: LinkTarget(self.folder / kind) for kind in kinds}
        self.updates = FileUpdates(self.folder / "update")
        self.trust = PlainTrust(self.folder)

    def machine(self):
        helpers = Helpers(
            trust=self.trust,
            targets=self.targets,
            probe=self.probe,
            quiet=self.quiet,
            fetch=self.wrap_fetch(Downloads(Access(), Limits(1 << 24, 0, 1))),
        )
        return machine_of(self.folder / "update", helpers, self.bounds)

    def bundle(self, version: str, kind: Kind = "model", *, counter: int = 1, **more: bytes) -> Bundle:
        files = {"version": version.encode(), **more}
        return make_bundle(self.folder / f"{kind}-{version}.bundle", kind, version, files=files, counter=counter)

    def order(self, bundle: Bundle, order_id: str = "job-1") -> None:
        self.updates.submit(Order(order_id=order_id, bundle=bundle))

    def work(self, until) -> UpdateState:
        """Lets a machine work until something is true of its state."""
        stop = threading.Event()
        worker = threading.Thread(target=self.machine().work, args=[stop])
        worker.start()
        try:
            ticks = 0
            while not until(state := self.updates.look()):
                ticks += 1
                assert ticks < WITHIN_S / 0.005, f"still {state}"
                stop.wait(0.005)
        finally:
            stop.set()
            worker.join(WITHIN_S)
        return state

    def outcome(self, order_id: str = "job-1") -> Outcome:
        return self.work(lambda state: order_id in state.ended).ended[order_id]

    def apply(self, bundle: Bundle, order_id: str = "job-1") -> Outcome:
        self.order(bundle, order_id)
        return self.outcome(order_id)

    def active(self, kind: Kind = "model") -> str:
        return self.targets[kind].active(NAMES[kind])

    def versions(self, kind: Kind = "model") -> list[str]:
        root = self.targets[kind].releases(NAMES[kind])
        return sorted(each.name.partition("-")[0] for each in root.iterdir() if not each.is_symlink())


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)
