from pathlib import Path

import numpy as np
import pytest

from training import evaluate


def _file(path: Path, *, rows: int, fault_from: int) -> Path:
    random = np.random.default_rng(7)
    lines = ["datetime;a;b;anomaly;changepoint"]
    for row in range(rows):
        faulty = row >= fault_from
        a, b = random.normal(20, 1), random.normal(5 + 8 * faulty, 1)
        lines.append(f"2026-01-01 00:00:{row};{a:.4f};{b:.4f};{float(faulty)};0.0")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_level_fault_is_called_and_the_time_before_it_is_not(tmp_path: Path) -> None:
    found = evaluate.confusion(*evaluate.judge(_file(tmp_path / "a.csv", rows=800, fault_from=600)))
    assert found.false_positive == 0
    assert found.missed_percent() < 15
    assert found.f1() > 0.9


def test_what_is_said_of_a_row_does_not_depend_on_later_rows(tmp_path: Path) -> None:
    long, _ = evaluate.judge(_file(tmp_path / "long.csv", rows=800, fault_from=600))
    short, _ = evaluate.judge(_file(tmp_path / "short.csv", rows=700, fault_from=600))
    assert long[: len(short)] == short


def test_pooled_figures_are_those_of_one_confusion_matrix() -> None:
    pooled = evaluate.Confusion(6, 2, 2, 8).plus(evaluate.Confusion(2, 0, 0, 0))
    assert pooled == (8, 2, 2, 8)
    assert pooled.f1() == pytest.approx(0.8)
    assert pooled.false_alarm_percent() == pytest.approx(20)
    assert pooled.missed_percent() == pytest.approx(20)
