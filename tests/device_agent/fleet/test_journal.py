"""What is known of executions stays over restarts, and what cannot be read costs one execution only."""

import pytest

from device_agent.errors import JournalError
from device_agent.fleet.entry import Entry
from device_agent.fleet.journal import REMEMBERED, Journal
from device_agent.fleet.service.port import Execution


def entry(job_id="j-1", **more) -> Entry:
    return Entry(job_id=job_id, execution_number=1, queued_at=5.0, **more)


def test_what_was_kept_is_there_in_the_next_process(tmp_path):
    kept = entry(document={"version": "1.0"}).awaits(2, {"a": "b"})
    Journal(tmp_path / "jobs").keep(kept)
    assert Journal(tmp_path / "jobs").entries() == [kept]


def test_a_damaged_file_is_set_aside_and_the_others_are_read(tmp_path):
    journal = Journal(tmp_path)
    journal.keep(entry("j-1"))
    journal.keep(entry("j-2"))
    (tmp_path / "j-1.1.json").write_bytes(b'{"job_id": "j-1"')
    again = Journal(tmp_path)
    assert [each.job_id for each in again.entries()] == ["j-2"]
    assert again.damaged == 1
    assert (tmp_path / "j-1.1.json.damaged").exists()


def test_a_namesake_of_a_deleted_job_is_not_known(tmp_path):
    journal = Journal(tmp_path)
    journal.keep(entry().ends("SUCCEEDED", {}).settles("accepted"))
    assert journal.find(Execution(job_id="j-1", queued_at=5.0)) is not None
    assert journal.find(Execution(job_id="j-1", queued_at=6.0)) is None
    assert journal.find(Execution(job_id="j-1", execution_number=2, queued_at=5.0)) is None


def test_presigned_urls_are_not_kept_longer_than_they_are_needed(tmp_path):
    journal = Journal(tmp_path)
    journal.keep(entry(document={"url": "https://bucket/x?X-Amz-Signature=abc"}).ends("FAILED", {}))
    assert b"X-Amz" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_only_the_newest_that_are_told_are_remembered_and_none_that_is_not(tmp_path):
    journal = Journal(tmp_path)
    journal.keep(entry("open", order=0))
    for number in range(REMEMBERED + 10):
        journal.note(entry(f"j-{number}", order=number + 1).ends("SUCCEEDED", {}).settles("accepted"))
        journal.prune()
    names = [each.job_id for each in Journal(tmp_path).entries()]
    assert names == ["open", *(f"j-{number}" for number in range(10, REMEMBERED + 10))]


def test_what_a_cut_left_half_written_is_cleared_away(tmp_path):
    (tmp_path / ".j-1.1.json.77.tmp").write_bytes(b"{")
    assert Journal(tmp_path).entries() == []
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_said_with_its_path(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file/jobs"):
        Journal(tmp_path / "file" / "jobs")


def test_what_happened_is_known_even_if_it_cannot_be_written(tmp_path):
    journal = Journal(tmp_path / "jobs")
    (tmp_path / "jobs").rmdir()
    with pytest.raises(JournalError, match=r"j-1\.1\.json"):
        journal.keep(entry())
    journal.note(entry().ends("FAILED", {}))
    assert journal.entries()[0].phase == "over"
    assert journal.unwritten == 2
