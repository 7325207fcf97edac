"""Signals without hardware: nothing of it can be cut but by its own schedule, which its own tests follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device_agent.sensors.simulated import SimulatedSensor
from device_agent.sensors.waveforms import Signal
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker

NEVER_CUT = ["simulated"]


@contextmanager
def _simulated(_folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    yield Bench(config=SimulatedSensor(name="s", signals={"a": Signal(noise=0.1), "b": Signal(wave="square")}))


BENCHES: dict[str, BenchMaker] = {"simulated": _simulated}
