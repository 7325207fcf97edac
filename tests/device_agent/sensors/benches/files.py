"""The machine itself, and a recording that begins anew at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device_agent.sensors.host import HostSensor
from device_agent.sensors.replay import ReplaySensor
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker

ROWS = "timestamp,a,b\n2026-01-01T00:00:00Z,1,2\n2026-01-01T00:00:01Z,,x\n"


@contextmanager
def _host(_folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    yield Bench(config=HostSensor(name="host"))


@contextmanager
def _replay(folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    path = folder / "recording.csv"
    path.write_text(ROWS)
    yield Bench(config=ReplaySensor(name="replay", path=str(path), loop=True))


BENCHES: dict[str, BenchMaker] = {"host": _host, "replay": _replay}
NEVER_CUT = {"host", "replay"}
"""The machine itself; a recording, without which nothing runs."""
