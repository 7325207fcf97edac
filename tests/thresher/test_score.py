import csv
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device_agent.files import atomic_write
from thresher.cli import main
from thresher.commands.score import Summary

CALIBRATE = 200


def lines(rows: int, *, fault: range = range(0), seed: int = 3) -> list[str]:
    """A recording's rows at 1 Hz: two noisy channels, the second 8 spreads higher during the fault."""
    random = np.random.default_rng(seed)
    made = []
    for row in range(rows):
        a, b = random.normal(20, 1), random.normal(5 + 8 * (row in fault), 1)
        made.append(f"{1_700_000_000 + row};{a:.4f};{b:.4f}")
    return made


def score(folder: Path, text: list[str], *more: str, header: str = "time;a;b") -> list[dict[str, str]]:
    recording, output = folder / "r.csv", folder / "s.csv"
    atomic_write(recording, "\n".join([header, *text]).encode())
    fixed = ["score", str(recording), "--output", str(output), "--calibrate-rows", str(CALIBRATE)]
    assert main([*fixed, *more]) == 0
    with output.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_has_a_line_in_order_with_the_columns_promised(tmp_path: Path) -> None:
    text = lines(600, fault=range(400, 500))
    rows = score(tmp_path, text)
    assert list(rows[0]) == ["timestamp", "score", "threshold", "anomalous", "state", "top_channel"]
    assert [row["timestamp"] for row in rows] == [line.split(";")[0] for line in text]
    assert [row["state"] for row in rows] == ["calibrating"] * CALIBRATE + ["armed"] * 400


def test_a_fault_is_found_while_it_lasts_and_its_channel_is_named(tmp_path: Path) -> None:
    rows = score(tmp_path, lines(700, fault=range(400, 500)))
    called = [number for number, row in enumerate(rows) if row["anomalous"] == "1"]
    assert 400 < called[0] < 440
    assert called == list(range(called[0], called[-1] + 1))
    assert {rows[number]["top_channel"] for number in range(called[0], 500)} == {"b"}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_of_a_row_never_depends_on_later_rows(tmp_path: Path, seed: int) -> None:
    text = lines(700, fault=range(400, 500))
    whole = score(tmp_path, text)
    for cut in np.random.default_rng(seed).integers(100, 700, size=3):
        assert score(tmp_path, text[:cut]) == whole[:cut]


@pytest.mark.parametrize("normal", [1, 63, 777, 5000])
def test_after_calibration_a_fault_is_found_alike_whatever_the_row_number(tmp_path: Path, normal: int) -> None:
    calibration, later = lines(CALIBRATE), lines(400, fault=range(100, 250), seed=5)
    between = lines(normal, seed=6)
    plain = score(tmp_path, _timed([*calibration, *later]))
    moved = score(tmp_path, _timed([*calibration, *between, *later]))
    assert {row["anomalous"] for row in moved[CALIBRATE : CALIBRATE + normal]} == {"0"}
    found, found_later = (_first(rows[-400:]) for rows in (plain, moved))
    assert 100 < found < 140
    assert abs(found - found_later) <= 2


def test_labels_and_row_numbers_are_never_channels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = lines(500, fault=range(300, 400))
    plain = score(tmp_path, text)
    told = [f"{line};{int(300 <= at < 400)};{at}" for at, line in enumerate(text)]
    capsys.readouterr()
    assert score(tmp_path, told, "--json", header="time;a;b;Anomaly;index") == plain
    assert msgspec.json.decode(capsys.readouterr().out, type=Summary).channels == ["a", "b"]


@pytest.mark.parametrize("name", ["change_point", "Is_Outlier", "ground_truth", "seq", "epoch"])
def test_less_usual_names_of_labels_counters_and_times_are_no_channels_either(tmp_path: Path, name: str) -> None:
    text = lines(500, fault=range(300, 400))
    told = [f"{line};{1_700_000_000 + at}" for at, line in enumerate(text)]
    assert score(tmp_path, told, header=f"time;a;b;{name}") == score(tmp_path, text)


def test_unix_times_in_milliseconds_are_judged_as_the_same_times_in_seconds(tmp_path: Path) -> None:
    text = [f"{1_700_000_000 + 300 * at};{line.partition(';')[2]}" for at, line in enumerate(lines(600))]
    seconds = score(tmp_path, text)
    finer = score(tmp_path, [line.replace(";", "000;", 1) for line in text])
    assert [row["score"] for row in finer] == [row["score"] for row in seconds]


def test_a_row_whose_time_stands_too_early_makes_no_hole(tmp_path: Path) -> None:
    text = lines(500)
    stepped_back = [f"{1_700_000_000 + at - 60 * (at == 300)};{line.partition(';')[2]}" for at, line in enumerate(text)]
    scores = [[row["score"] for row in score(tmp_path, rows)] for rows in (text, stepped_back)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e300"])
def test_cells_no_reading_can_be_are_gaps_and_do_not_blind_their_channel(tmp_path: Path, cell: str) -> None:
    text = lines(600, fault=range(400, 500))
    for at in range(0, 600, 10):
        time_s, a, _ = text[at].split(";")
        text[at] = f"{time_s};{a};{cell}"
    assert {row["anomalous"] for row in score(tmp_path, text)[420:500]} == {"1"}


def test_times_that_cannot_be_read_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = [f"14.11.2023 22:13;{line.partition(';')[2]}" for line in lines(300)]
    score(tmp_path, text)
    assert "no timestamps that can be read: taken as one row a second" in capsys.readouterr().err


def test_holes_and_missing_cells_are_gaps_and_not_alarms(tmp_path: Path) -> None:
    text = lines(600)
    text[300:340] = [f"{line.split(';')[0]};;NaN" for line in text[300:340]]
    rows = score(tmp_path, text[:450] + _timed(text[450:], start=9_000))
    assert "gap" in {row["state"] for row in rows[320:360]}
    assert rows[451]["state"] == "gap"
    assert rows[-1]["state"] == "armed"
    assert {row["anomalous"] for row in rows} == {"0"}


def test_a_channel_that_never_moves_and_iso_times_with_commas_are_fine(tmp_path: Path) -> None:
    stamps = [f"2026-01-01T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z" for at in range(400)]
    values = [line.split(";")[1] for line in lines(400)]
    text = [f"{stamp},0,{value}" for stamp, value in zip(stamps, values, strict=True)]
    rows = score(tmp_path, text, "--timestamp-column", "when", header="when,still,a")
    assert [row["timestamp"] for row in rows] == stamps
    assert {row["anomalous"] for row in rows} == {"0"}
    assert {row["top_channel"] for row in rows} <= {"", "a"}


@pytest.mark.parametrize(
    ("header", "more", "said"),
    [
        ("time;anomaly;index", (), "no column is a channel"),
        ("time;a;b", ("--calibrate-rows", "50"), "--calibrate-rows 50"),
        ("time;a;b", ("--timestamp-column", "when"), "no column `when`"),
        ("time;a", (), "2 columns are named, but the rows have 3 cells"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, header: str, more: tuple[str, ...], said: str
) -> None:
    recording = tmp_path / "r.csv"
    recording.write_text("\n".join([header, *lines(300)]))
    assert main(["score", str(recording), "--output", str(tmp_path / "s.csv"), *more]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "try: " in err
    assert not (tmp_path / "s.csv").exists()


def test_scores_never_replace_the_recording_they_come_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = tmp_path / "r.csv"
    recording.write_text("\n".join(["time;a;b", *lines(300)]))
    (tmp_path / "also.csv").symlink_to(recording)
    before = recording.read_bytes()
    for output in (recording, tmp_path / "also.csv", tmp_path / "none" / "s.csv"):
        assert main(["score", str(recording), "--output", str(output)]) == 2
        assert "try: " in capsys.readouterr().err
    assert recording.read_bytes() == before


def test_an_hour_of_a_ten_hertz_recording_takes_seconds(tmp_path: Path) -> None:
    text = _timed(lines(4_000) * 9)
    began = time.process_time()
    score(tmp_path, text)
    assert time.process_time() - began < 20


def _first(rows: list[dict[str, str]]) -> int:
    return next(number for number, row in enumerate(rows) if row["anomalous"] == "1")


def _timed(text: list[str], *, start: int = 0) -> list[str]:
    """The rows with timestamps a second apart."""
    return [f"{1_700_000_000 + start + at};{line.partition(';')[2]}" for at, line in enumerate(text)]


def test_the_operators_number_in_a_gateways_document_makes_the_filter_less_sensitive(tmp_path: Path) -> None:
    text = lines(700, fault=range(400, 500))
    document = tmp_path / "gateway.yaml"
    document.write_text(
        f"gateway: g\nstate_dir: {tmp_path}\nsensors: [{{type: host, name: h}}]\n"
        "filter: {expected_false_per_week: 0.01}\nuplink: {type: greengrass}\n"
    )
    usual, strict = (score(tmp_path, text, *more) for more in ((), ("--config", str(document))))
    peaks = [max(float(row["score"] or 0) for row in rows[400:500]) for rows in (usual, strict)]
    assert peaks[1] < peaks[0]
