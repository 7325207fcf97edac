"""An application is made without a network, tried before it is put in use, and started by one swap of a link."""

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from contract.manifest import Entry
from device_agent.errors import UpdateError
from device_agent.fleet.targets.application import ApplicationTarget
from device_agent.fleet.targets.trying import attempt
from device_agent.fleet.update.errors import HopelessError
from tests.device_agent.fleet.manifests import manifest
from tests.device_agent.supervising.world import until

RELEASE = "2.0.0-0123456789ab"
MODULE = b"def main():\n    print('usage: thresher')\n    return 0\n"


def wheel(folder: Path) -> Path:
    """A distribution with one module and the command ``thresher`` (PEP 427)."""
    info = "thresher-2.0.0.dist-info"
    files = {
        "thresher.py": MODULE,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: thresher\nVersion: 2.0.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": b"[console_scripts]\nthresher = thresher:main\n",
    }
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(parents=True)
    path = folder / "thresher-2.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.fixture
def target(tmp_path):
    restarts = []
    made = ApplicationTarget(tmp_path / "install", lambda within_s: restarts.append(within_s) or True)
    made.restarts = restarts
    return made


@pytest.fixture
def folder(target):
    made = target.releases("thresher") / RELEASE
    made.mkdir()
    return made


def test_wheels_become_an_environment_without_a_network_and_only_by_their_digests(target, folder):
    path = wheel(folder / "wheels")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    lock = folder / "requirements.lock"
    lock.write_text(f"thresher==2.0.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(UpdateError, match=r"wheels cannot be installed: .*Expected sha256 0000"):
        target.stage(folder, manifest(entry=Entry(staging="venv")))
    lock.write_text(f"thresher==2.0.0 --hash=sha256:{sha256}\n")
    target.stage(folder, manifest(entry=Entry(staging="venv")))
    assert attempt([str(folder / "bin" / "thresher")], what="it", within_s=20) == "usage: thresher\n"
    target.activate("thresher", RELEASE)
    assert target.active("thresher") == RELEASE
    assert len(target.restarts) == 1


@pytest.mark.parametrize("missing", ["wheels", "requirements.lock"])
def test_a_bundle_without_what_an_environment_needs_is_hopeless(target, folder, missing):
    (folder / ("requirements.lock" if missing == "wheels" else "wheels")).mkdir()
    with pytest.raises(HopelessError, match=missing):
        target.stage(folder, manifest(entry=Entry(staging="venv")))


def test_a_folder_is_taken_as_it_is_and_its_program_gets_the_usual_name(target, folder):
    (folder / "start.sh").write_text("#!/bin/sh\nexit 0\n")
    target.stage(folder, manifest(entry=Entry(staging="folder", command="start.sh")))
    assert (folder / "bin" / "thresher").resolve() == folder / "start.sh"


@pytest.mark.parametrize(("text", "reason"), [("#!/bin/sh\nexit 3\n", "exit status 3"), ("", "does not answer")])
def test_a_program_that_does_not_answer_is_not_put_in_use(target, folder, text, reason):
    (folder / "start").write_text(text)
    with pytest.raises(UpdateError, match=reason):
        target.stage(folder, manifest(entry=Entry(staging="folder", command="start")))


def test_a_bundle_without_its_program_is_hopeless(target, folder):
    with pytest.raises(HopelessError, match="no bin/thresher"):
        target.stage(folder, manifest(entry=Entry(staging="folder")))


def test_processes_that_do_not_start_undo_it(tmp_path):
    target = ApplicationTarget(tmp_path / "install", lambda _: False)
    (target.releases("thresher") / RELEASE).mkdir()
    with pytest.raises(UpdateError, match="not every process was started"):
        target.activate("thresher", RELEASE)


def test_another_name_is_hopeless(target):
    with pytest.raises(HopelessError, match="no application is called"):
        target.releases("browser")


def test_a_trial_that_hangs_is_ended_with_everything_that_it_started(tmp_path):
    program = tmp_path / "hang"
    program.write_text(f"#!/bin/sh\nsleep 100 & echo $! > {tmp_path}/pid\nwait\n")
    program.chmod(0o755)
    with pytest.raises(UpdateError, match=r"not done within 0\.5 s"):
        attempt([str(program)], what="a trial", within_s=0.5)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not Path(f"/proc/{pid}/exe").exists(), deadline_s=10)  # the kernel takes a moment
