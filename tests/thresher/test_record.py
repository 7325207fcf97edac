import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from device_agent.recorder import Recorded
from device_agent.sensors.recording import Recording
from thresher.cli import main

CONFIG = """
gateway: g
state_dir: state
sensors:
  - {type: host, name: machine, rate_hz: 50}
"""
TWO = CONFIG + "  - {type: host, name: other}\n"


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def record(folder: Path, config: str, *more: str) -> int:
    (folder / "gateway.yaml").write_text(config)
    fixed = ["--config", str(folder / "gateway.yaml"), "--output", str(folder / "r.csv")]
    return main(["record", *fixed, *more])


def test_the_live_machine_is_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(tmp_path, CONFIG, "--seconds", "0.2", "--json") == 0
    recorded = msgspec.json.decode(capsys.readouterr().out, type=Recorded)
    assert 1 <= recorded.scans <= 10
    assert recorded.scans + recorded.missed >= 10
    assert len(list(Recording(tmp_path / "r.csv").rows())) == 10  # one row per deadline, taken or missed


def test_without_a_document_this_machine_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    assert main(["record", "--rate", "20", "--seconds", "0.2", "--output", str(path)]) == 0
    assert Recording(path).layout.rate_hz == 20


def test_a_sensor_can_be_chosen_by_name(tmp_path: Path) -> None:
    assert record(tmp_path, TWO, "--seconds", "0.1", "--sensor", "other") == 0
    assert '"sensor":"other"' in (tmp_path / "r.csv").read_text()


def test_an_unknown_sensor_is_refused_with_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(tmp_path, TWO, "--seconds", "0.1", "--sensor", "nope") == 2
    said = capsys.readouterr().err
    assert "error: --sensor nope" in said
    assert "machine, other" in said


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "1e9"])
def test_a_rate_that_no_sensor_has_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], rate: str) -> None:
    assert main(["record", f"--rate={rate}", "--seconds", "1", "--output", str(tmp_path / "r.csv")]) == 2
    assert "scans per second" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_recording_of_no_length_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: str) -> None:
    assert record(tmp_path, CONFIG, f"--seconds={seconds}") == 2
    assert "seconds" in capsys.readouterr().err
