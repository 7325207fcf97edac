"""The status file: fresh in memory, rare on disk, never the end of a process."""

import stat
from pathlib import Path

import pytest

from device_agent.status import ON_DISK_EVERY_S, StatusFile


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "run-status.json"


def test_a_reader_of_the_state_folder_sees_what_lies_in_memory(path: Path, memory: Path) -> None:
    file = StatusFile(path, memory=memory)
    file.write(b"one")
    file.write(b"two")
    assert path.read_bytes() == b"two"
    assert path.readlink().is_relative_to(memory)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_folder_in_memory_is_closed_to_others(path: Path, memory: Path) -> None:
    StatusFile(path, memory=memory).write(b"x")
    (folder,) = memory.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_last_word_stays_on_disk_and_memory_is_given_back(path: Path, memory: Path) -> None:
    file = StatusFile(path, memory=memory)
    file.write(b"alive")
    file.close(b"the end")
    assert path.read_bytes() == b"the end"
    assert not path.is_symlink()
    assert not list(memory.iterdir())


def test_two_processes_of_one_gateway_share_the_folder_until_both_have_ended(path: Path, memory: Path) -> None:
    run, agent = StatusFile(path, memory=memory), StatusFile(path.with_name("agent-status.json"), memory=memory)
    run.write(b"run")
    agent.write(b"agent")
    run.close(b"run ended")
    assert path.with_name("agent-status.json").read_bytes() == b"agent"
    agent.close(b"agent ended")
    assert not list(memory.iterdir())


def test_after_a_reboot_the_dangling_link_is_made_whole(path: Path, memory: Path) -> None:
    path.symlink_to(memory / "gone" / path.name)
    StatusFile(path, memory=memory).write(b"again")
    assert path.read_bytes() == b"again"


def test_two_state_folders_never_share_a_file(tmp_path: Path, memory: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        StatusFile(tmp_path / name / "run-status.json", memory=memory).write(name.encode())
    assert [(tmp_path / name / "run-status.json").read_bytes() for name in ("a", "b")] == [b"a", b"b"]


@pytest.mark.parametrize("trap", ["link", "open folder"])
def test_a_folder_somebody_else_could_have_laid_is_not_used(
    path: Path, memory: Path, trap: str, tmp_path: Path
) -> None:
    StatusFile(path, memory=memory).write(b"to learn the name")
    (folder,) = memory.iterdir()
    for entry in folder.iterdir():
        entry.unlink()
    folder.rmdir()
    if trap == "link":
        (tmp_path / "victim").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "victim")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    StatusFile(path, memory=memory).write(b"safe")
    assert not path.is_symlink()
    assert path.read_bytes() == b"safe"
    assert not list(folder.iterdir())


def test_without_memory_it_is_written_once_a_minute(path: Path) -> None:
    clock = Hands()
    file = StatusFile(path, memory=None, monotonic_s=clock)
    file.write(b"first")
    clock.now_s = ON_DISK_EVERY_S / 2
    file.write(b"too soon")
    assert path.read_bytes() == b"first"
    clock.now_s = ON_DISK_EVERY_S
    file.write(b"due")
    assert path.read_bytes() == b"due"


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_a_disk_that_takes_nothing_ends_nothing_and_is_counted(path: Path, memory: Path, where: str) -> None:
    file = StatusFile(path, memory=memory if where == "memory" else None)
    path.parent.rmdir()
    file.write(b"x")
    file.close(b"y")
    assert file.unwritten == 2
