from pathlib import Path

import msgspec
import numpy as np
import pytest

from training import idle


def recording(path: Path, *, rows: int, fault: tuple[int, int] = (0, 0)) -> Path:
    random = np.random.default_rng(5)
    head = '# thresher-recording: {"sensor":"s","rate_hz":10.0,"channels":[{"name":"a"},{"name":"b"}]}\n'
    lines = []
    for row in range(rows):
        a, b = random.normal(20, 1), random.normal(5 + 8 * (fault[0] <= row < fault[1]), 1)
        lines.append(f"{1_760_000_000 + row / 10},{a:.4f},{b:.4f}")
    path.write_text(head + "timestamp,a,b\n" + "\n".join(lines), encoding="utf-8")
    return path


def test_a_quiet_recording_has_no_false_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert idle.main([str(recording(tmp_path / "quiet.csv", rows=1500)), "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out, type=idle.Report)
    assert found.all.episodes == 0
    assert found.all.hours == pytest.approx(1100 / 10 / 3600, abs=1e-3)
    assert found.passed


def test_an_episode_is_counted_once_with_the_channel_that_opened_it(tmp_path: Path) -> None:
    path = recording(tmp_path / "loud.csv", rows=1500, fault=(800, 1000))
    found = idle.measure([path], calibrate_rows=400, most=1.0)
    (one,) = found.recordings.values()
    assert (one.episodes, one.channels) == (1, {"b": 1})
    assert one.per_hour == pytest.approx(1 / (1100 / 36000), rel=0.01)
    assert one.open_percent > 10
    assert not found.passed


def test_the_command_fails_where_there_are_more_than_allowed(tmp_path: Path) -> None:
    path = str(recording(tmp_path / "loud.csv", rows=1500, fault=(800, 1000)))
    assert idle.main([path]) == 1
    assert idle.main([path, "--most", "100"]) == 0


def test_hours_and_episodes_of_several_recordings_add_up() -> None:
    one = idle.Idle(hours=1.0, episodes=2, per_hour=2.0, open_percent=1.0, channels={"a": 2})
    two = idle.Idle(hours=3.0, episodes=1, per_hour=0.333, open_percent=3.0, channels={"b": 1})
    assert idle.together([one, two]) == idle.Idle(
        hours=4.0, episodes=3, per_hour=0.75, open_percent=2.5, channels={"a": 2, "b": 1}
    )


def test_a_recording_without_a_row_to_judge_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert idle.main([str(recording(tmp_path / "short.csv", rows=200))]) == 1
    assert "no row to judge" in capsys.readouterr().err
