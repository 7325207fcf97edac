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
    assert len(list(Recording(tmp_path / "r.csv").rows())) == recorded.scans


def test_one_of_several_sensors_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(tmp_path, TWO, "--seconds", "0.1") == 2
    assert "try: name one with --sensor: machine, other" in capsys.readouterr().err
    assert record(tmp_path, TWO, "--seconds", "0.1", "--sensor", "other") == 0


def test_an_unknown_sensor_is_refused_with_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(tmp_path, CONFIG, "--seconds", "0.1", "--sensor", "nope") == 2
    assert capsys.readouterr().err == "error: --sensor nope: no such sensor\ntry: name one with --sensor: machine\n"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_recording_of_no_length_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: str) -> None:
    assert record(tmp_path, CONFIG, f"--seconds={seconds}") == 2
    assert "no length to record" in capsys.readouterr().err
