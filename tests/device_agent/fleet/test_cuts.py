"""The power goes at any write, question or effect, once or again and again, whatever the service does meanwhile."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.device_agent.fleet.cuts import Plant
from tests.device_agent.fleet.rig import document

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

STEPS = ("a", "b")


def run(cuts, *, prepare=lambda _: None):
    """A job of two steps and one behind it, to their ends; returns the plant."""
    with tempfile.TemporaryDirectory() as folder:
        plant = Plant(Path(folder))
        try:
            plant.service.ledger.create("j-1", document(*STEPS))
            plant.service.ledger.create("j-2", document(*STEPS))
            prepare(plant.service)
            plant.live(cuts)
        finally:
            plant.close()
        return plant


def judge(plant):
    """Every effect once, in order; every end told, and as it was."""
    assert plant.hand.effects == [(job, 1, step) for job in ("j-1", "j-2") for step in range(len(STEPS))]
    assert [each.status for each in plant.service.ledger.kept] == ["SUCCEEDED"] * 2
    assert [each.status for each in plant.rig.journal.entries()] == ["SUCCEEDED"] * 2


def test_without_a_cut_there_are_places_to_cut_at():
    plant = run([])
    judge(plant)
    assert plant.lives == 1
    assert set(plant.power.places) >= {"files.write.temporary", "files.write.renamed", "question", "after the effect"}


def test_j2_a_cut_at_any_place_does_each_step_once_and_tells_each_end():
    places = len(run([]).power.places)
    for cut in range(places):
        plant = run([cut])
        judge(plant)
        assert plant.lives == 2


@settings(max_examples=40)
@given(
    cuts=st.lists(st.integers(0, 40), max_size=4),
    twice=st.booleans(),
    mute=st.integers(0, 3),
    deaf=st.integers(0, 3),
    refusals=st.lists(st.sampled_from(["InternalError", "RequestThrottled", "VersionMismatch"]), max_size=3),
)
def test_j2_cuts_again_and_again_while_the_service_misbehaves_change_nothing(cuts, twice, mute, deaf, refusals):
    def prepare(service):
        service.tells_twice, service.mute, service.deaf, service.refusals = twice, mute, deaf, list(refusals)

    judge(run(cuts, prepare=prepare))


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 30), max_size=3), when=st.integers(0, 12))
def test_j6_a_job_taken_back_at_any_moment_does_nothing_twice_and_ends_as_the_service_says(cuts, when):
    taken_back = []

    def prepare(service):
        ask = service.describe

        def describe(*of, **more):
            taken_back.append(of)
            if len(taken_back) == when:
                service.ledger.cancel("j-1")
            return ask(*of, **more)

        service.describe = describe

    plant = run(cuts, prepare=prepare)
    first, second = plant.service.ledger.kept
    assert first.status in ("SUCCEEDED", "CANCELED")
    assert second.status == "SUCCEEDED"
    assert max(Counter(plant.hand.effects).values()) == 1
