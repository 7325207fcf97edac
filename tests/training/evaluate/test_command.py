import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device_agent.errors import ConfigError
from training.evaluate.__main__ import main
from training.evaluate.kept import KeptScores
from training.evaluate.measure import Measured
from training.evaluate.recordings import find
from training.evaluate.report import Report
from training.rivals import trivial

SKAB = next((at for above in Path(__file__).resolve().parents if (at := above / "shared/data/skab").is_dir()), None)


def recording(path: Path, *, rows: int = 700, fault: tuple[int, int] = (520, 640), seed: int = 1) -> Path:
    random = np.random.default_rng(seed)
    lines = ["datetime;a;b;anomaly;changepoint"]
    for row in range(rows):
        faulty = fault[0] <= row < fault[1]
        a, b = random.normal(20, 1), random.normal(5 + 8 * faulty, 1)
        lines.append(f"{1_760_000_000 + row};{a:.4f};{b:.4f};{float(faulty)};0.0")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    for number in range(6):
        recording(tmp_path / "data" / f"bench{number % 2}" / f"{number}.csv", seed=number)
    return tmp_path / "data"


def test_the_command_says_how_good_ours_and_the_rivals_are(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--data", str(folder), "--keep", str(tmp_path / "kept"), "--only", "frozen", "--only", "t2q", "--json"]
    assert main(asked) == 0
    found = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1], type=Report)
    rows = {(row.family, row.chosen, row.cap): row for row in found.table}
    frozen = rows["Thresher, frozen default", "nothing", None]
    assert frozen.f1 > 0.6
    assert frozen.fresh == frozen.labelled == 6
    assert rows["T2+Q", "other files", None].f1 > 0.9
    assert rows["T2+Q", "other files", 13.55].false_alarm_percent <= 13.55
    assert rows["T2+Q", "other folders", None].settings == 432
    assert rows["T2+Q", "the same files", None].f1 >= rows["T2+Q", "other files", None].f1
    assert rows["T2+Q", "other files, by episode", None].episode_f1 > 0.9
    assert frozen.episode_f1 == pytest.approx(6 / (6 + frozen.false_per_hour * 6 * 180 / 3600 / 2), rel=0.05)
    assert len(found.episode_differences) == 3
    assert rows["all ones", "nothing", None].false_alarm_percent == 100
    assert found.traffic is not None
    assert found.traffic.scans == 6 * 700
    assert {each.rival for each in found.differences} >= {"T2+Q", "all ones", "position only"}


def test_a_second_run_computes_no_score_anew_and_says_the_same(folder: Path, tmp_path: Path) -> None:
    recordings = find(folder).recordings
    first, again = KeptScores(tmp_path / "kept"), KeptScores(tmp_path / "kept")
    one, two = (Measured(trivial.position_only(), recordings, kept) for kept in (first, again))
    assert first.computed > 0
    assert again.computed == 0
    assert one.row(None) == two.row(None)


def test_all_ones_is_the_share_of_anomalous_rows_and_nothing_more(folder: Path, tmp_path: Path) -> None:
    row = Measured(trivial.all_ones(), find(folder).recordings, KeptScores(tmp_path / "kept")).row(None)
    share = 120 / 300
    assert row.f1 == pytest.approx(2 * share / (1 + share))
    assert (row.missed_percent, row.fresh) == (0, 0)


def test_labels_never_reach_a_contestant(folder: Path) -> None:
    assert {each.scene.channels for each in find(folder).recordings} == {("a", "b")}


def test_windows_of_time_label_the_rows_from_their_first_to_their_last_moment(tmp_path: Path) -> None:
    lines = ["timestamp,value", *(f"2026-01-{1 + row // 24:02} {row % 24:02}:00:00,{row % 7}" for row in range(500))]
    (tmp_path / "data" / "known").mkdir(parents=True)
    (tmp_path / "data" / "known" / "room.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "data" / "known" / "other.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "labels").mkdir()
    windows = {"known/room.csv": [["2026-01-18 02:00:00.000000", "2026-01-18 04:30:00.000000"]]}
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(windows), encoding="utf-8")
    found = find(tmp_path)
    (room,) = found.recordings
    assert np.flatnonzero(room.labels).tolist() == [410, 411, 412]
    assert room.scene.times_s[1] - room.scene.times_s[0] == 3600
    assert "says nothing of it" in found.unused["data/known/other"]


def test_a_file_that_cannot_be_used_is_named_with_its_reason(folder: Path) -> None:
    recording(folder / "short.csv", rows=300)
    recording(folder / "quiet.csv", fault=(0, 0))
    (folder / "plain.csv").write_text("timestamp,a\n1,2\n2,3\n", encoding="utf-8")
    unused = find(folder).unused
    assert unused["short"] == "300 rows, and 400 of them calibrate"
    assert unused["quiet"] == "after calibration its rows are all labelled alike"
    assert "plain" in unused


def test_a_folder_without_labels_is_an_error_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="no labelled recording"):
        find(tmp_path)
    assert main(["--data", str(tmp_path)]) == 1
    assert "try: see docs/evaluation.md" in capsys.readouterr().err


@pytest.mark.skipif(SKAB is None, reason="needs waico/SKAB in shared/data/skab beside the checkout")
def test_all_ones_scores_as_high_on_skab_as_is_published_of_it(tmp_path: Path) -> None:
    assert SKAB is not None
    found = find(SKAB)
    row = Measured(trivial.all_ones(), found.recordings, KeptScores(tmp_path / "kept")).row(None)
    # .698 over all 34 files; fewer files differ by their own share of anomalous rows
    assert row.f1 == pytest.approx(0.698, abs=0.0005 if len(found.recordings) == 34 else 0.03)
