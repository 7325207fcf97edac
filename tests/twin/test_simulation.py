import json
import threading

import pytest
from msgspec.structs import replace

from thresher.cli import main
from twin.errors import UsageError
from twin.simulation import SimulationOptions, plan, simulate

OPTIONS = SimulationOptions(gateways=3, seconds=10, rate_hz=50, channels=4, seed=5)


def test_the_same_seeds_make_the_same_gateways() -> None:
    assert plan(OPTIONS) == plan(OPTIONS)
    assert plan(replace(OPTIONS, seed=6, gateways=2)) == plan(OPTIONS)[1:]
    assert len({one.sensor for one in map(repr_of, plan(OPTIONS))}) == 3


def repr_of(one):
    return replace(one, sensor=repr(one.sensor))


def test_a_fault_begins_after_half_the_time_and_ends_before_the_end() -> None:
    for one in plan(replace(OPTIONS, gateways=50)):
        (fault,) = one.sensor.faults
        assert OPTIONS.seconds / 2 < fault.at_s
        assert fault.at_s + fault.for_s < OPTIONS.seconds


def test_gateways_without_faults_have_none() -> None:
    assert not any(one.sensor.faults or one.fault for one in plan(replace(OPTIONS, faults=False)))


@pytest.mark.parametrize(
    "wrong",
    [
        replace(OPTIONS, gateways=0),
        replace(OPTIONS, gateways=101),
        replace(OPTIONS, seconds=9),
        replace(OPTIONS, rate_hz=20),
        replace(OPTIONS, rate_hz=0),
        replace(OPTIONS, channels=65),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_runs(wrong: SimulationOptions) -> None:
    with pytest.raises(UsageError):
        simulate(wrong, threading.Event(), print)


@pytest.mark.story
def test_simulated_gateways_find_the_fault_that_each_of_them_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--gateways", "2", "--seconds", "10", "--rate", "50", "--channels", "4", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["found"] == 2
    assert [row["gateway"] for row in done["gateways"]] == ["simulated-0", "simulated-1"]
    for row in done["gateways"]:
        assert row["state"] == "armed"
        assert row["samples"] + 4 * row["missed"] > 10 * 50 * 4 / 2  # a busy machine starts slowly
        assert row["gaps"] == 0
        assert row["accepted"] >= row["episodes"] >= 1
