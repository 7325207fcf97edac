"""The life of an update, as rules over values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.updates.helpers import PlainTrust, make_bundle
from contract.manifest import Manifest
from device_agent.fleet.port import Outcome
from device_agent.fleet.update.journal import Journal
from device_agent.fleet.update.port import Phase
from device_agent.fleet.update.table import ENDED_KEPT, IN_USE, ROWS, TABLE, done, failed, resumed, settled

WRONG = Outcome(status="FAILED", reason="wrong")
RIGHT = Outcome(status="SUCCEEDED")
PHASES = [row.phase for row in TABLE if row.phase != "idle"]


def journal(phase: Phase, tries: int = 1, **more) -> Journal:
    return Journal(order_id="job-1", phase=phase, tries=tries, **more)


def test_what_goes_well_passes_every_phase_but_the_rollback() -> None:
    now, seen = journal("idle"), []
    while not seen or now.phase != "idle":
        now = done(now, **({"outcome": RIGHT} if now.phase == "commit" else {}))
        seen.append(now.phase)
    assert seen == ["download", "verify", "stage", "wait", "activate", "probe", "commit", "cleanup", "idle"]
    assert now.ended == {"job-1": RIGHT}


@pytest.mark.parametrize("phase", ["download", "verify", "stage", "wait"])
def test_an_error_before_anything_is_in_use_only_cleans_up(phase: Phase) -> None:
    assert failed(journal(phase), WRONG).phase == "cleanup"


@pytest.mark.parametrize("phase", ["activate", "probe", "commit"])
def test_an_error_once_it_may_be_in_use_is_always_rolled_back(phase: Phase) -> None:
    assert failed(journal(phase), WRONG).phase == "rollback"
    assert phase in IN_USE


@pytest.mark.parametrize("phase", PHASES)
def test_whatever_fails_and_however_often_an_order_ends(phase: Phase) -> None:
    now = journal(phase)
    for _ in range(sum(row.tries for row in TABLE)):
        now = failed(now, WRONG)
        if now.phase == "idle":
            break
    assert now.phase == "idle"
    assert now.ended == {"job-1": WRONG}


@pytest.mark.parametrize("phase", PHASES)
def test_a_reboot_loop_is_broken_in_every_phase(phase: Phase) -> None:
    now, reboots = journal(phase), 0
    while now.phase == phase:
        now, reboots = resumed(now), reboots + 1
        assert reboots <= ROWS[phase].tries
    assert now.phase in {"rollback", "cleanup", "idle"}


def test_a_kill_while_it_is_put_in_use_is_rolled_back_and_one_while_it_is_probed_only_the_second_time() -> None:
    assert resumed(journal("activate")).phase == "rollback"
    once = resumed(journal("probe"))
    assert (once.phase, once.tries) == ("probe", 2)
    twice = resumed(once)
    assert twice.phase == "rollback"
    assert twice.outcome is not None
    assert "interrupted 2 times" in twice.outcome.reason


def test_from_commit_on_a_kill_changes_nothing_any_more() -> None:
    assert resumed(journal("commit")).phase == "commit"
    after = resumed(journal("cleanup", outcome=RIGHT))
    assert (after.phase, after.outcome) == ("cleanup", RIGHT)


def test_a_cleanup_that_cannot_be_done_takes_no_success_back() -> None:
    assert failed(journal("cleanup", outcome=RIGHT), WRONG).ended == {"job-1": RIGHT}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Manifest:
    folder = tmp_path_factory.mktemp("bundles")
    make_bundle(folder / "level.bundle", "model", "1.0.0", files={"version": b"1.0.0"})
    return PlainTrust(folder).verify(folder / "level.bundle").manifest


@given(st.lists(st.sampled_from(["done", "failed", "killed"]), max_size=200))
def test_whatever_happens_in_whatever_order_it_ends_once_and_as_what_is_in_use(
    manifest: Manifest, events: list[str]
) -> None:
    now, in_use = journal("download", manifest=manifest), "old"
    for event in [*events, *["done"] * len(TABLE)]:
        if now.phase == "idle":
            break
        if now.phase == "activate":
            in_use = "new"  # or perhaps
        if event == "done":
            in_use = "old" if now.phase == "rollback" else in_use
            now = done(now, **({"outcome": RIGHT} if now.phase == "commit" else {}))
        else:
            now = failed(now, WRONG) if event == "failed" else resumed(now)
    assert now.phase == "idle"
    (outcome,) = now.ended.values()
    assert outcome.status == ("SUCCEEDED" if in_use == "new" and not now.owed else "FAILED")
    assert in_use == "new" or not now.owed


def test_the_first_error_is_the_one_that_is_told() -> None:
    now = failed(failed(journal("probe"), WRONG), Outcome(status="FAILED", reason="rollback failed too"))
    assert now.outcome == WRONG


def test_an_order_is_settled_early_only_while_nothing_is_in_use() -> None:
    assert settled(journal("verify"), RIGHT).phase == "cleanup"
    with pytest.raises(ValueError, match="cannot be left"):
        settled(journal("probe"), RIGHT)


def test_only_the_last_ends_are_kept() -> None:
    now = Journal(ended={f"job-{number}": RIGHT for number in range(2, 20)}, order_id="job-1", phase="cleanup")
    over = done(now)
    assert len(over.ended) == ENDED_KEPT
    assert list(over.ended)[-1] == "job-1"
