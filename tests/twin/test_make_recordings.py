from pathlib import Path

import pytest

from device_agent.recorder import Recorded
from device_agent.sensors.recording import Recording
from twin.make_recordings import Made, Plan, make, rest_cpu_percent

NONE = Recorded(scans=0, gaps=0, late=0, missed=0, bytes=0)


def write(folder: Path, percents: list[str]) -> Path:
    rows = [f"2026-01-01T00:00:0{second}Z,{percent}" for second, percent in enumerate(percents)]
    path = folder / "r.csv"
    path.write_text("\n".join(["timestamp,cpu_percent", *rows]))
    return path


def test_rest_is_what_lies_outside_the_fault_and_its_echo(tmp_path: Path) -> None:
    path = write(tmp_path, ["10", "", "20", "99", "98", "97", "30"])
    start_s = next(Recording(path).rows()).time_s or 0.0
    assert rest_cpu_percent(path, Made(NONE, start_s + 3, start_s + 4), settle_s=1) == pytest.approx(20)


def test_a_recording_without_any_rest_counts_as_busy(tmp_path: Path) -> None:
    path = write(tmp_path, ["1", "2"])
    assert rest_cpu_percent(path, Made(NONE, 0, 4e9)) == 100


def test_a_fault_is_recorded_with_its_label_inside_the_recording(tmp_path: Path) -> None:
    made = make("disk_storm", tmp_path, Plan(before_s=0.5, fault_s=0.5, after_s=0.5))
    rows = list(Recording(tmp_path / "disk_storm.csv").rows())
    assert len(rows) == 15
    assert rows[0].time_s is not None
    assert rows[-1].time_s is not None
    assert rows[0].time_s < made.begin_s < made.end_s < rows[-1].time_s + 0.2
    label = (tmp_path / "disk_storm.labels.csv").read_text().splitlines()[1]
    assert label.endswith(",disk_storm")
    assert {path.name for path in tmp_path.iterdir()} == {"disk_storm.csv", "disk_storm.labels.csv"}
