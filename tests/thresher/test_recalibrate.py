import json
from pathlib import Path

import pytest

from device_agent.filters.store import FileCalibrations
from device_agent.filters.wishes import calibration_file
from thresher.cli import main

_DOCUMENT = """
gateway: gw
state_dir: state
sensors:
  - {type: replay, name: bench, path: bench.csv}
  - {type: replay, name: other, path: bench.csv}
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text(_DOCUMENT, encoding="utf-8")
    return path


def _unwanted(document: Path, sensor: str) -> bool:
    return FileCalibrations(calibration_file(document.parent / "state", sensor)).is_unwanted()


@pytest.mark.parametrize(("asked", "told"), [([], ["bench", "other"]), (["--sensor", "other"], ["other"])])
def test_it_asks_for_those_named_or_for_all(
    document: Path, asked: list[str], told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (document.parent / "state").mkdir()
    assert main(["recalibrate", "--config", str(document), "--json", *asked]) == 0
    assert json.loads(capsys.readouterr().out) == {"sensors": told}
    assert [name for name in ("bench", "other") if _unwanted(document, name)] == told


def test_an_unknown_sensor_is_named_and_nothing_is_asked(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (document.parent / "state").mkdir()
    assert main(["recalibrate", "--config", str(document), "--sensor", "bench", "--sensor", "bensch"]) == 2
    assert "`bensch`" in capsys.readouterr().err
    assert not _unwanted(document, "bench")


def test_a_gateway_that_never_ran_is_an_error_with_a_remedy(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recalibrate", "--config", str(document)]) == 2
    assert "try: " in capsys.readouterr().err
