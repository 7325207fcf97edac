from collections.abc import Callable
from pathlib import Path

import pytest

from device_agent.filters.calibration import Calibration
from device_agent.filters.store import CalibrationStore, FileCalibrations, MemoryCalibrations
from device_agent.sensors.port import Channel

Reopen = Callable[[], CalibrationStore]


def _calibration(mu: float) -> Calibration:
    return Calibration(
        channels=(Channel(name="a", unit="°C"),),
        rate_hz=10.0,
        model_sha256="ab",
        made_wall_ms=1,
        scans=400,
        mu=(mu,),
        sd=(1.0,),
        home=(0.0,),
        shown=(0.5,),
        bulk=(1.0,),
        square=(1.0,),
        watched=(True,),
    )


@pytest.fixture(params=["file", "memory"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    memory = MemoryCalibrations()
    if request.param == "memory":
        return lambda: memory
    return lambda: FileCalibrations(tmp_path / "deep" / "calibration.json")


def test_a_new_place_holds_nothing(reopen: Reopen) -> None:
    assert reopen().load() is None


def test_what_was_kept_last_comes_back(reopen: Reopen) -> None:
    reopen().save(_calibration(1))
    reopen().save(_calibration(1 / 3))
    assert reopen().load() == _calibration(1 / 3)


@pytest.mark.parametrize("content", [b"", b"{", b'{"mu": 3}', b"\xff\xfe", b"[]"])
def test_a_damaged_file_counts_as_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content)
    assert FileCalibrations(path).load() is None
