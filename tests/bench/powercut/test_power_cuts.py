"""Power cuts cost nothing that was promised, and the simulator would notice if they did."""

import random
from pathlib import Path

import pytest

from bench.powercut import run
from bench.powercut.disk import SECTOR, Disk
from bench.powercut.recording import Kind, RecordingError, Step, record

NEW = b"new" * SECTOR


def test_nothing_promised_is_lost_by_a_power_cut() -> None:
    rows = run(cuts=60, seed=7)

    assert [row.fault for row in rows] == ["power_cut_spool", "power_cut_rescue", "power_cut_files"]
    for row in rows:
        assert row.injected >= 30
        assert row.accepted > 0
        assert (row.lost, row.duplicates) == (0, 0), row.broken
        assert row.stored + row.declared == row.accepted
    assert [set(row.reasons) for row in rows] == [{"quota", "refused"}, {"quota", "refused", "corrupt"}, set()]


def test_a_process_without_the_recorder_is_not_taken_for_a_recorded_one(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="not loaded"), record(tmp_path):
        pass


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    folder = tmp_path / "before"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    return Disk(folder)


def left(disk: Disk, tmp_path: Path, cuts: int = 60) -> set[bytes | None]:
    """What of the file is found after many cuts."""
    found: set[bytes | None] = set()
    for seed in range(cuts):
        folder = tmp_path / f"after-{seed}"
        folder.mkdir()
        disk.cut(folder, random.Random(seed))  # noqa: S311 - chance, not a secret
        file = folder / "file"
        found.add(file.read_bytes() if file.exists() else None)
    return found


def replace(*, sync: bool, sync_folder: bool) -> list[Step]:
    steps = [Step(Kind.CREATE, 1, 0, b"temporary"), Step(Kind.WRITE, 1, 0, NEW)]
    steps += [Step(Kind.SYNC, 1, 0, b"")] * sync
    steps += [Step(Kind.RENAME, 1, 0, b"temporary\0file")]
    return steps + [Step(Kind.SYNC_FOLDER, 0, 0, b"")] * sync_folder


def test_a_file_synced_renamed_and_its_folder_synced_is_the_new_one(disk: Disk, tmp_path: Path) -> None:
    disk.replay(replace(sync=True, sync_folder=True))

    assert left(disk, tmp_path) == {NEW}


def test_without_the_folders_sync_it_may_be_the_old_one(disk: Disk, tmp_path: Path) -> None:
    disk.replay(replace(sync=True, sync_folder=False))

    assert left(disk, tmp_path) == {b"old", NEW}


def test_without_the_files_sync_it_may_be_torn(disk: Disk, tmp_path: Path) -> None:
    disk.replay(replace(sync=False, sync_folder=True))

    found = left(disk, tmp_path)
    assert {b"", NEW} < found
    assert any(content not in (b"", NEW, b"old") for content in found)


def test_an_unsynced_write_into_a_file_survives_sector_by_sector(disk: Disk, tmp_path: Path) -> None:
    disk.replay([Step(Kind.CREATE, 2, 0, b"file"), Step(Kind.SYNC_FOLDER, 0, 0, b""), Step(Kind.WRITE, 2, 0, NEW)])

    survivors = left(disk, tmp_path)
    assert {b"", NEW} < survivors
    for content in survivors:
        sectors = [(content or b"")[at : at + SECTOR] for at in range(0, len(content or b""), SECTOR)]
        whole = [NEW[at : at + SECTOR] for at in range(0, len(NEW), SECTOR)]
        assert all(a in (b, bytes(SECTOR)) for a, b in zip(sectors, whole, strict=False))
