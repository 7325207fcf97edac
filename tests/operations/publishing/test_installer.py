"""The archive as a device runs it: by the system's Python, in an empty folder, without a network or pip."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from operations.publishing import installer
from operations.publishing.stage import stage
from tests.operations.publishing.checkout import sha256

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def archive(order, index) -> Path:
    stage(order(pythons=(PYTHON,)), fetch=index)
    return order().output / "gdk" / "io.example.Demo" / "io.example.Demo-amd64.zip"


def run(archive: Path, what: str, work: Path) -> subprocess.CompletedProcess[str]:
    work.mkdir(exist_ok=True)
    command = [sys.executable, "-I", "-u", str(archive), what]
    return subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, timeout=60)


def runtimes(work: Path) -> list[Path]:
    return [path for path in (work / "runtime").iterdir() if path.is_dir()]


def test_an_archive_installs_itself_and_runs(archive, tmp_path):
    work = tmp_path / "work"
    assert run(archive, "install", work).returncode == 0
    (runtime,) = runtimes(work)
    site = runtime / "lib" / f"python{PYTHON}" / "site-packages"
    assert (site / "grain_extra.py").is_file()
    assert not (site / "grain").exists()
    done = run(archive, "run", work)
    assert (done.returncode, done.stdout) == (0, "separated wheat ours\n")


def test_an_environment_that_is_there_is_used_as_it_is(archive, tmp_path):
    work = tmp_path / "work"
    run(archive, "install", work)
    (runtime,) = runtimes(work)
    (runtime / "main.py").write_text("print('as it was')")
    assert run(archive, "install", work).returncode == 0
    assert run(archive, "run", work).stdout == "as it was\n"


def test_run_installs_what_is_missing(archive, tmp_path):
    assert run(archive, "run", tmp_path / "work").stdout == "separated wheat ours\n"


def test_an_interrupted_install_is_begun_anew(archive, tmp_path):
    work = tmp_path / "work"
    run(archive, "install", work)
    (runtime,) = runtimes(work)
    runtime.rename(runtime.with_name(f".{runtime.name}.tmp"))
    (runtime.with_name(f".{runtime.name}.tmp") / "main.py").unlink()
    assert run(archive, "run", work).stdout == "separated wheat ours\n"
    assert runtimes(work) == [runtime]


def test_a_new_version_lets_the_running_one_be_until_it_takes_its_place(archive, order, index, checkout, tmp_path):
    work, old = tmp_path / "work", tmp_path / "old.zip"
    shutil.copy(archive, old)
    run(old, "install", work)
    (checkout / "components" / "demo" / "main.py").write_text("print('new')")
    stage(order(pythons=(PYTHON,)), fetch=index)
    run(archive, "install", work)
    assert len(runtimes(work)) == 2
    assert run(archive, "run", work).stdout == "new\n"
    assert len(runtimes(work)) == 1


def test_a_wheel_that_was_changed_is_not_installed(archive, tmp_path):
    spoilt = tmp_path / "spoilt.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(spoilt, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name) + (b"spoilt" if name.endswith(".whl") else b""))
    done = run(spoilt, "install", tmp_path / "work")
    assert done.returncode == 1
    assert "not the bytes that were staged" in done.stderr
    assert runtimes(tmp_path / "work") == []


def test_an_archive_with_a_flipped_bit_is_an_error_not_a_traceback(archive, tmp_path):
    data = bytearray(archive.read_bytes())
    data[data.index(b"WHAT = ")] ^= 1
    archive.write_bytes(data)
    done = run(archive, "install", tmp_path / "work")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "try: deploy the component again" in done.stderr
    assert runtimes(tmp_path / "work") == []


def test_another_python_is_named_with_its_remedy(order, index, tmp_path):
    stage(order(pythons=("3.9",)), fetch=index)
    archive = order().output / "gdk" / "io.example.Demo" / "io.example.Demo-amd64.zip"
    done = run(archive, "install", tmp_path / "work")
    assert done.returncode == 1
    assert f"its wheels are for Python 3.9, this is {PYTHON}" in done.stderr
    assert f"--python {PYTHON}" in done.stderr


def test_a_folder_that_cannot_be_written_is_an_error_not_a_traceback(archive, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "runtime").write_text("in the way")
    done = run(archive, "install", work)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "try: " in done.stderr


def test_an_unknown_action_is_wrong_usage(archive, tmp_path):
    assert run(archive, "remove", tmp_path / "work").returncode == 2


def test_the_installed_archive_is_the_staged_one(archive, order):
    local = order().output / "local" / "artifacts" / "io.example.Demo" / "1.0.0" / archive.name
    assert sha256(local) == sha256(archive)


@pytest.mark.parametrize(
    ("cpuinfo", "installs"),
    [("flags : fpu sse2\n", False), ("flags : fpu sse2 sse4_2\n", True), ("model name : unknown\n", True)],
)
def test_a_cpu_that_is_too_old_is_named_before_it_ends_a_process(cpuinfo, installs, order, index, checkout, tmp_path):
    config = json.loads((checkout / "gdk-config.json").read_text())
    config["components"]["io.example.Demo"]["cpu"] = {"amd64": ["sse4_2"], "aarch64": ["asimd"]}
    (checkout / "gdk-config.json").write_text(json.dumps(config))
    stage(order(pythons=(PYTHON,)), fetch=index)
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    archive = order().output / "gdk" / "io.example.Demo" / "io.example.Demo-amd64.zip"
    (tmp_path / "work").mkdir()
    if installs:
        assert installer.install(archive, tmp_path / "work", tmp_path / "cpuinfo").is_dir()
    else:
        with pytest.raises(installer.InstallError, match="need a CPU with sse4_2"):
            installer.install(archive, tmp_path / "work", tmp_path / "cpuinfo")
