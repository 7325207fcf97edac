"""`thresher fleet install` brings a bundle from a file, by whoever takes updates on this gateway."""

import datetime as dt
import json
import threading
from pathlib import Path

import pytest

from bench.updates.helpers import BAD, GOOD, LinkTarget, SaidProbe, SaidQuiet
from device_agent.config import load
from device_agent.fleet.trust.gateway import gateway_trust
from device_agent.fleet.update.bootstrap import in_thread, machine_of
from device_agent.fleet.update.download import Downloads, Limits
from device_agent.fleet.update.orders import UPDATE_FOLDER
from device_agent.fleet.update.parts import Bounds, Helpers
from device_agent.fleet.update.port import Verdict
from device_agent.fleet.update.source import Access
from operations.fleet.bundles import Making
from thresher.cli import main
from twin.keyring import Keyring

HOUR = dt.timedelta(hours=1)
FILES = {"version": b"1.0.0"}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "roots", created=dt.datetime.now(dt.UTC).replace(microsecond=0) - HOUR)


@pytest.fixture
def document(tmp_path: Path, keyring: Keyring) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text(
        f"gateway: press-7\nstate_dir: {tmp_path}/state\nsensors: [{{type: host, name: machine}}]\n"
        f"fleet: {{trust: {{root: {keyring.root_file}}}}}\n"
    )
    return path


@pytest.fixture
def bundle(tmp_path: Path, keyring: Keyring) -> Path:
    path = tmp_path / "level.bundle"
    created = dt.datetime.now(dt.UTC).replace(microsecond=0) - HOUR
    keyring.bundle(FILES, Making(kind="model", name="level", version="1.0.0", created=created), output=path)
    return path


def install(document: Path, bundle: Path, verdict: Verdict, *more: str) -> int:
    """Runs the command while a machine takes orders."""
    state, stop = document.parent / "state", threading.Event()
    helpers = Helpers(
        trust=gateway_trust(load(document)),
        targets={"model": LinkTarget(state / "models")},
        probe=SaidProbe(verdict),
        quiet=SaidQuiet(),
        fetch=Downloads(Access(), Limits(1 << 24, 0, 0)),
    )
    worker = in_thread(machine_of(state / UPDATE_FOLDER, helpers, Bounds(spare_bytes=0, look_every_s=0.01)), stop)
    try:
        return main(["fleet", "install", str(bundle), "--config", str(document), *more])
    finally:
        stop.set()
        worker.join()


def test_a_good_version_is_in_use_when_the_command_ends(document, bundle, capsys) -> None:
    assert install(document, bundle, GOOD, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["version"], told["previous"]) == ("SUCCEEDED", "1.0.0", "shipped")
    assert (document.parent / "state/models/level/current").is_symlink()


def test_a_bad_version_is_an_error_with_its_figures(document, bundle, capsys) -> None:
    assert install(document, bundle, BAD) == 1
    said = capsys.readouterr().err
    assert "error: " in said
    assert "0 of 100 scans" in said


def test_a_file_that_is_no_bundle_is_an_error(document, tmp_path, capsys) -> None:
    (tmp_path / "noise").write_bytes(b"noise")
    assert install(document, tmp_path / "noise", GOOD) == 1
    assert "try: thresher fleet bundle makes one" in capsys.readouterr().err
