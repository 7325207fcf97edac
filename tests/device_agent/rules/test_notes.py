"""The place for notes: one suite over file and memory."""

import pytest

from contract.events import Episode
from device_agent.rules.notes import FileRuleNotes, MemoryRuleNotes, RuleNote

EPISODE = Episode(
    wall_ms=2,
    monotonic_ms=1,
    episode_id="g.rule.hot.boot.1",
    sensor="oven",
    phase="opened",
    onset_wall_ms=1,
    duration_ms=1,
    score=1.0,
    peak_score=1.0,
    peak_wall_ms=1,
    top_channel="t",
    contributions={"t": 1.0},
    reason="hot: oven.t > 90",
    rule="hot",
    severity="major",
)
NOTES = {"hot": RuleNote(said=EPISODE, boot_id="boot", onset_monotonic_ns=7)}


@pytest.fixture(params=["file", "memory"])
def notes(request, tmp_path):
    return FileRuleNotes(tmp_path / "state/rules.json") if request.param == "file" else MemoryRuleNotes()


def test_what_was_kept_last_is_loaded(notes):
    assert notes.load() == {}
    notes.save(NOTES | {"other": NOTES["hot"]})
    notes.save(NOTES)
    assert notes.load() == NOTES
    notes.save({})
    notes.save({})
    assert notes.load() == {}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"hot": 1}', b"\xff\xfe"])
def test_a_damaged_file_counts_as_none(tmp_path, damage):
    (tmp_path / "rules.json").write_bytes(damage)
    assert FileRuleNotes(tmp_path / "rules.json").load() == {}
