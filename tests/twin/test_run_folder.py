import subprocess
import sys
from pathlib import Path

from twin.run_folder import RunFolder, remove_abandoned

_KILLED = """
import os, sys
from pathlib import Path
from twin.run_folder import RunFolder
folder = RunFolder(parent=Path(sys.argv[1]))
(folder.path / "log").write_text("x")
os._exit(9)
"""


def test_the_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with RunFolder(parent=tmp_path) as folder:
        (folder.path / "deep").mkdir()
        (folder.path / "deep" / "log").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    with RunFolder(parent=tmp_path) as folder:
        assert folder.path.stat().st_mode & 0o077 == 0


def test_a_kept_folder_stays_and_is_never_taken_for_abandoned(tmp_path: Path) -> None:
    with RunFolder(parent=tmp_path, keep=True) as folder:
        (folder.path / "log").write_text("x")
    assert remove_abandoned(tmp_path) == 0
    assert (folder.path / "log").exists()


def test_the_next_start_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False, timeout=30)
    assert len(list(tmp_path.iterdir())) == 1
    assert remove_abandoned(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_running_demo_is_left_alone(tmp_path: Path) -> None:
    with RunFolder(parent=tmp_path) as folder:
        assert remove_abandoned(tmp_path) == 0
        assert folder.path.is_dir()
