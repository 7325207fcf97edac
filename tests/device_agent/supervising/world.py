"""A gateway that is kept by a real ``thresher supervise``; its updates come as files, its sensing is a stand-in."""

import hashlib
import json
import time
from pathlib import Path

import msgspec

import models
from contract.jobs import Bundle, Kind
from contract.manifest import Entry, Health
from device_agent.fleet.probe.look import Sensed
from device_agent.fleet.update.bootstrap import UPDATE_FOLDER
from device_agent.fleet.update.orders import FileUpdates
from device_agent.fleet.update.port import Order
from device_agent.supervising.status import SuperviseStatus
from operations.fleet.bundles import Making
from twin.children import Child, child_environment
from twin.keyring import Keyring, now
from twin.stand_in import release_files, write_release

DEADLINE_S = 40.0
NAMES: dict[Kind, str] = {"application": "thresher", "model": "level", "configuration": "thresher"}
HEALTH = Health(window_s=2.0, timeout_s=20.0, min_scans=5)
"""As short as a judgement can be."""


def until(wanted, *, deadline_s: float = DEADLINE_S):
    end_s = time.monotonic() + deadline_s
    while not (seen := wanted()):
        assert time.monotonic() < end_s, f"still {seen!r}"
        time.sleep(0.05)
    return seen


def shipped_model(version: int) -> dict[str, bytes]:
    """The files of the model that ships, under another version."""
    folder = Path(models.__file__).parent
    card = json.loads((folder / "level.card.json").read_bytes())
    files = {name: (folder / name).read_bytes() for name in card["files"]}
    return {**files, "level.card.json": json.dumps({**card, "version": version}).encode()}


class Gateway:
    def __init__(self, folder: Path, *, name: str = "g", more: str = "", stand_in: bool = True) -> None:
        self.folder, self.state = folder, folder / "state"
        self.install = folder / "install"
        self.keyring = Keyring(folder / "roots")
        self.document = folder / "gateway.yaml"
        self.document.write_text(
            f"gateway: {name}\nstate_dir: state\nsensors: [{{type: host, name: machine, rate_hz: 10}}]\n"
            f"fleet:\n  trust: {{root: {self.keyring.root_file}}}\n  supervise: {{install_dir: install}}\n{more}"
        )
        if stand_in:
            write_release(self.install / "1.0.0-000000000000", "1.0.0")
            (self.install / "current").symlink_to("1.0.0-000000000000")
        self.updates = FileUpdates(self.state / UPDATE_FOLDER)
        self._counter = 0
        self.supervisor: Child | None = None

    def start(self) -> Child:
        command = ("-m", "thresher", "supervise", "--config", str(self.document))
        home = child_environment(self.folder)
        self.supervisor = Child("supervise", command, log=self.folder / "supervise.log", environment=home)
        return self.supervisor

    def stop(self) -> int:
        return self.supervisor.stop(20) if self.supervisor else 0

    def status(self) -> SuperviseStatus | None:
        return self._read("supervise-status.json", SuperviseStatus)

    def sensed(self) -> Sensed | None:
        return self._read("run-status.json", Sensed)

    def working(self, release: str = "") -> SuperviseStatus:
        """Once sensing runs (from a release)."""

        def seen():
            status, said = self.status(), self.sensed()
            runs = status and said and said.pid == status.processes["run"].pid and status.release.startswith(release)
            return status if runs and status.pid == self.supervisor.pid else None

        return until(seen)

    def bundle(self, kind: Kind, files: dict[str, bytes] | Path, version: str, *, health: Health = HEALTH) -> Bundle:
        self._counter += 1
        path = self.folder / f"{kind}-{version}.bundle"
        entry = Entry(staging="folder") if kind == "application" else None
        made = Making(
            kind=kind,
            name=NAMES[kind],
            version=version,
            counter=self._counter,
            created=now(),
            entry=entry,
            health=health,
        )
        self.keyring.bundle(files, made, output=path)
        return Bundle(
            kind=kind,
            name=NAMES[kind],
            version=version,
            url=path.as_uri(),
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            force=True,
        )

    def application(self, version: str, fault: str = "") -> Bundle:
        return self.bundle("application", release_files(version, fault), version)

    def update(self, bundle: Bundle, *, deadline_s: float = DEADLINE_S):
        """Orders it; how it ended."""
        order = f"order-{bundle.kind}-{bundle.version}"
        self.updates.submit(Order(order_id=order, bundle=bundle))
        return until(lambda: self.updates.look().ended.get(order), deadline_s=deadline_s)

    def alive(self, pid: int) -> bool:
        return Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1][:3]

    def _read(self, name, kind):
        try:
            return msgspec.json.decode((self.state / name).read_bytes(), type=kind)
        except (OSError, msgspec.DecodeError):
            return None
