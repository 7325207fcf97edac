from collections.abc import Callable
from pathlib import Path

import pytest

from device_agent.filters.calibration import Calibration
from device_agent.filters.store import FileCalibrations, MemoryCalibrations
from device_agent.filters.wishes import calibration_file
from device_agent.sensors.port import Channel

Reopen = Callable[[], FileCalibrations | MemoryCalibrations]


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
    return lambda: FileCalibrations(calibration_file(tmp_path / "deep", "host"))


def test_a_new_place_holds_nothing(reopen: Reopen) -> None:
    assert reopen().load() is None


def test_what_was_kept_last_comes_back(reopen: Reopen) -> None:
    reopen().save(_calibration(1))
    reopen().save(_calibration(1 / 3))
    assert reopen().load() == _calibration(1 / 3)


def test_a_calibration_is_unwanted_from_when_someone_asks_until_it_is_forgotten(reopen: Reopen) -> None:
    reopen().save(_calibration(1))
    assert not reopen().is_unwanted()
    reopen().ask_anew()
    reopen().ask_anew()
    assert reopen().is_unwanted()
    reopen().forget()
    assert not reopen().is_unwanted()
    assert reopen().load() is None
    reopen().forget()


def test_a_power_cut_while_forgetting_leaves_the_wish(tmp_path: Path) -> None:
    store = FileCalibrations(calibration_file(tmp_path, "host"))
    store.save(_calibration(1))
    store.ask_anew()
    calibration_file(tmp_path, "host").unlink()
    assert store.is_unwanted()
    store.forget()
    assert not store.is_unwanted()


def test_asking_where_no_gateway_ever_was_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        FileCalibrations(calibration_file(tmp_path / "nowhere", "host")).ask_anew()


@pytest.mark.parametrize("content", [b"", b"{", b'{"mu": 3}', b"\xff\xfe", b"[]"])
def test_a_damaged_file_counts_as_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content)
    assert FileCalibrations(path).load() is None
