"""Outputs are kept as they are wanted, and what does not work is told."""

import threading
from collections.abc import Mapping

import pytest

from device_agent.errors import ConfigError, OutputError
from device_agent.outputs.keeper import RETRY_S, Keeper
from device_agent.outputs.memory import MemoryOutput, SimulatedOutput
from device_agent.outputs.port import LEASE_S


class Bench:
    """A clock, what is wanted, and a lamp that may be broken."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.wanted: Mapping[str, bool] | None = {}
        self.is_broken = False
        self.has_pins = True
        self.opened: list[MemoryOutput] = []
        self.keeper = Keeper([Lamp(name="lamp", bench=self)], lambda: self.wanted, lambda: self.now_s)

    def open(self, config: SimulatedOutput) -> MemoryOutput:
        if self.is_broken:
            raise OutputError("pin 17: busy")
        if not self.has_pins:
            raise ConfigError("this machine has no GPIO pins", remedy="run it on one that has")
        self.opened.append(MemoryOutput(config, lambda: self.now_s))
        return self.opened[-1]


class Lamp(SimulatedOutput, frozen=True, kw_only=True, tag="lamp"):
    """Opens on the bench."""

    bench: Bench

    def open(self) -> MemoryOutput:
        """See ``Bench``."""
        return self.bench.open(self)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_is_wanted_is_repeated_and_so_outlives_the_lease(bench: Bench) -> None:
    bench.wanted = {"lamp": True}
    for _ in range(5):
        bench.keeper.turn()
        bench.now_s += LEASE_S * 0.8
        assert bench.opened[0].is_on
    bench.keeper.close()
    assert not bench.opened[0].is_on
    assert bench.keeper.notice().counters == {"output.lamp.failures": 0, "output.lamp.switches": 1}


def test_nobody_judging_lets_the_lease_run_out(bench: Bench) -> None:
    bench.wanted = {"lamp": True}
    bench.keeper.turn()
    bench.wanted = None
    for _ in range(8):
        bench.now_s += 1.0
        bench.keeper.turn()
    assert not bench.opened[0].is_on


def test_an_output_that_cannot_be_opened_is_told_and_tried_again(bench: Bench) -> None:
    bench.wanted, bench.is_broken = {"lamp": True}, True
    bench.keeper.turn()
    bench.keeper.turn()
    assert bench.keeper.notice().degraded == ["output lamp: pin 17: busy"]
    assert bench.keeper.notice().counters["output.lamp.failures"] == 1
    bench.is_broken = False
    bench.now_s += RETRY_S
    bench.keeper.turn()
    assert bench.opened[0].is_on
    assert bench.keeper.notice().degraded == []


def test_a_machine_without_pins_ends_nothing_and_is_told_and_tried_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.wanted, bench.has_pins = {"lamp": True}, False
    for _ in range(3):
        bench.keeper.turn()
        bench.now_s += RETRY_S
    assert bench.keeper.notice().degraded == ["output lamp: this machine has no GPIO pins"]
    assert bench.keeper.notice().counters["output.lamp.failures"] == 3
    (told,) = [record for record in caplog.records if record.message == "output.failed"]
    assert told.remedy == "run it on one that has"
    bench.has_pins = True
    bench.keeper.turn()
    assert bench.opened[0].is_on


def test_a_keeper_that_ends_leaves_outputs_safe(bench: Bench) -> None:
    bench.wanted, stop = {"lamp": True}, threading.Event()
    thread = threading.Thread(target=bench.keeper.run, args=(stop,))
    thread.start()
    for _ in range(500):
        if bench.opened and bench.opened[0].is_on:
            break
        threading.Event().wait(0.01)
    assert bench.opened[0].is_on
    stop.set()
    bench.keeper.look()
    thread.join(5)
    assert not thread.is_alive()
    assert not bench.opened[0].is_on
