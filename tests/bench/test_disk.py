"""Without a disk of one's own less is counted, and that is said."""

import os
from pathlib import Path

from bench.disk import PlainFolder, Written


def test_what_was_written_is_counted_from_a_moment_on() -> None:
    assert Written(10_000, 7, 3).since(Written(4_000, 2, 1)) == Written(6_000, 5, 2)


def test_a_plain_folder_counts_what_a_process_makes_dirty(tmp_path: Path) -> None:
    with PlainFolder(tmp_path) as disk:
        before = disk.written([os.getpid()])
        (disk.path / "x").write_bytes(bytes(1 << 20))
        written = disk.written([os.getpid()]).since(before)
    spare = written.bytes - (1 << 20)  # the process's other threads write a page or two of their own
    assert written.bytes == 0 or 0 <= spare <= 1 << 16  # 0 where the folder is in memory
    assert "without journal" in disk.method
    assert not disk.path.exists()
