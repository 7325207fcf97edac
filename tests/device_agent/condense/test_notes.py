from collections.abc import Callable
from pathlib import Path

import pytest

from contract.events import Episode, Phase
from device_agent.condense.notes import EpisodeNotes, FileNotes, MemoryNotes, Note

Reopen = Callable[[], EpisodeNotes]


def _note(phase: Phase) -> Note:
    said = Episode(
        wall_ms=2,
        monotonic_ms=1,
        episode_id="gw.host.b.1",
        sensor="host",
        phase=phase,
        onset_wall_ms=1,
        duration_ms=1,
        score=1.5,
        peak_score=1.5,
        peak_wall_ms=2,
        top_channel="cpu",
        contributions={"cpu": 1.0},
        reason="cpu",
    )
    return Note(said=said, boot_id="b" * 32, onset_monotonic_ns=1_000_001, sigma=1 / 3)


@pytest.fixture(params=["file", "memory"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    memory = MemoryNotes()
    if request.param == "memory":
        return lambda: memory
    return lambda: FileNotes(tmp_path / "deep" / "episode.json")


def test_a_new_place_holds_nothing_and_can_be_cleared(reopen: Reopen) -> None:
    assert reopen().load() is None
    reopen().clear()
    assert reopen().load() is None


def test_what_was_kept_last_comes_back(reopen: Reopen) -> None:
    reopen().save(_note("opened"))
    reopen().save(_note("closed"))
    assert reopen().load() == _note("closed")


def test_what_was_cleared_is_gone(reopen: Reopen) -> None:
    reopen().save(_note("opened"))
    reopen().clear()
    assert reopen().load() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"said": 1}'])
def test_a_damaged_file_counts_as_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "episode.json"
    path.write_bytes(content)
    assert FileNotes(path).load() is None
