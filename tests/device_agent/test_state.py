import os
import shutil
import subprocess
import sys

import pytest

from device_agent.config import parse
from device_agent.errors import ConfigError
from device_agent.files import atomic_write
from device_agent.state import sole_user, state_folder


def config_for(folder):
    return parse(f"{{gateway: g, state_dir: '{folder}', sensors: [{{type: host, name: m}}]}}".encode(), source="x")


def test_the_state_folder_is_made_for_its_owner_only(tmp_path):
    folder = state_folder(config_for(tmp_path / "a" / "b"))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_cannot_be_made_is_refused_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="state_dir") as caught:
        state_folder(config_for(tmp_path / "file" / "state"))
    assert "this user can write" in caught.value.remedy


def test_a_second_process_of_the_same_role_is_refused(tmp_path):
    with sole_user(tmp_path, "run"):
        with pytest.raises(ConfigError, match="another `thresher run`"), sole_user(tmp_path, "run"):
            pytest.fail("both had it")
        with sole_user(tmp_path, "agent"):
            pass
    with sole_user(tmp_path, "run"):
        pass


def test_a_killed_process_leaves_no_lock_behind(tmp_path):
    code = (
        "import os, pathlib, signal, sys\n"
        "from device_agent.state import sole_user\n"
        "with sole_user(pathlib.Path(sys.argv[1]), 'run'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=30)
    assert ended.returncode == -9
    with sole_user(tmp_path, "run"):
        pass


def test_a_file_is_replaced_whole_and_leaves_no_temporary_one(tmp_path):
    file = tmp_path / "status.json"
    atomic_write(file, b"old")
    atomic_write(file, b"new")
    assert file.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from contract.health import Health
from device_agent.config import parse
from device_agent.errors import ConfigError, SpoolError
from device_agent.spool.sqlite import SqliteSpool
from device_agent.state import sole_user, state_folder

disk, before = Path(sys.argv[1]), sys.argv[2] == "used before"
text = f"{{gateway: g, state_dir: '{disk}/state', sensors: [{{type: host, name: m}}]}}"
config = parse(text.encode(), source="x")
(disk / "state").mkdir()
if before:
    with sole_user(state_folder(config), "run"):
        SqliteSpool(disk / "state" / "spool.sqlite3").close()
subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
event = Health(wall_ms=1, monotonic_ms=1, version="1", uptime_ms=0, interval_ms=1, sensors={})
with sole_user(state_folder(config), "run"):
    if before:
        try:
            with sole_user(disk / "state", "run"):
                sys.exit("both had it")
        except ConfigError:
            pass
    spool = SqliteSpool(disk / "state" / "spool.sqlite3")
    try:
        spool.append("boot", [event])
        sys.exit("was it not read-only?")
    except SpoolError:
        pass
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    print(spool.append("boot", [event])[0].seq)
"""


@pytest.mark.parametrize("history", ["used before", "new"])
def test_a_disk_that_is_read_only_at_the_start_is_used_once_it_is_not(tmp_path, history):
    unshare = shutil.which("unshare")
    assert unshare is not None, "install util-linux"
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    mount = 'mount -t tmpfs -o size=16m none "$1" && exec "$2" -c "$3" "$1" "$4"'
    arguments = ["sh", str(tmp_path), sys.executable, READ_ONLY, history]
    command = [unshare, *user, "--mount", "sh", "-c", mount, *arguments]
    ended = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
    assert ended.stdout == "1\n", ended.stderr
