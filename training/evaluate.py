"""Measures the shipped gate on labelled recordings: ``python -m training.evaluate FOLDER``.

FOLDER holds CSV files (``;`` between cells, first column a time, last two ``anomaly`` and ``changepoint``: the
layout of waico/SKAB). Protocol: each file's first 400 rows calibrate, the rest is judged row by row, a row from
rows up to itself only; one confusion matrix is pooled over all files. Labels are read after judging.
"""

import argparse
import csv
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from device_agent.filters.gate import LevelGate
from device_agent.filters.model import LevelModel
from device_agent.filters.store import MemoryCalibrations
from device_agent.sensors.port import Channel

CALIBRATION_ROWS: Final = 400
_LABELS: Final = 2


class Confusion(NamedTuple):
    """Rows by what they were (abnormal or not) and what was said."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    def plus(self, other: "Confusion") -> "Confusion":
        """Pools two."""
        return Confusion(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1."""
        wrong = self.false_positive + self.false_negative
        return 2 * self.true_positive / max(1, 2 * self.true_positive + wrong)

    def false_alarm_percent(self) -> float:
        """Share of normal rows called abnormal."""
        return 100 * self.false_positive / max(1, self.false_positive + self.true_negative)

    def missed_percent(self) -> float:
        """Share of abnormal rows not called so."""
        return 100 * self.false_negative / max(1, self.false_negative + self.true_positive)


def judge(path: Path) -> tuple[list[bool], list[bool]]:
    """One file's rows after calibration: called abnormal, and labelled so."""
    names, values, labels = _read(path)
    channels = tuple(Channel(name=name, resolution=1e-6) for name in names)
    model = LevelModel.load(None, len(channels))
    gate = LevelGate(
        channels, model, MemoryCalibrations(), rate_hz=1.0, calibration_scans=CALIBRATION_ROWS, hop_scans=1
    )
    called = []
    for row in values:
        verdict = gate.push(row, 0)
        called.append(verdict is not None and verdict.score >= 1.0)
    return called[CALIBRATION_ROWS:], labels[CALIBRATION_ROWS:]


def confusion(called: list[bool], labels: list[bool]) -> Confusion:
    """Counts rows."""
    pairs = list(zip(called, labels, strict=True))
    return Confusion(
        pairs.count((True, True)),
        pairs.count((True, False)),
        pairs.count((False, True)),
        pairs.count((False, False)),
    )


def _read(path: Path) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float64]], list[bool]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file, delimiter=";"))
    values = np.array([[float(cell) for cell in row[1:-_LABELS]] for row in rows])
    return header[1:-_LABELS], values, [float(row[-_LABELS]) > 0 for row in rows]


def main() -> int:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(description="Measure the shipped gate on labelled recordings.")
    parser.add_argument("folder", type=Path)
    pooled = Confusion()
    paths = sorted(parser.parse_args().folder.rglob("*.csv"))
    for path in paths:
        if "anomaly" not in path.read_text(encoding="utf-8").partition("\n")[0].split(";"):
            continue
        found = confusion(*judge(path))
        pooled = pooled.plus(found)
        print(f"{path.name:>12}  F1 {found.f1():.3f}")  # noqa: T201 - the report of a command
    print(  # noqa: T201 - the report of a command
        f"pooled F1 {pooled.f1():.4f}  false alarms {pooled.false_alarm_percent():.2f} %  "
        f"missed {pooled.missed_percent():.2f} %  {pooled}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
