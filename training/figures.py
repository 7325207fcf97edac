"""Figures that a model card shows: what ``python -m training.evaluate --json`` found, kept beside the models.

They are as old as their file: ``python -m training.build --figures EVALUATION.json`` takes new ones.
Not here: measuring (``training.evaluate``).
"""

from pathlib import Path
from typing import Final, TypeVar

import msgspec

_Row = TypeVar("_Row", bound=msgspec.Struct)

FIGURES_NAME: Final = "level.figures.json"


SHOWN: Final = frozenset({"nothing", "other files", "other folders"})
"""Settings chosen on the files they are scored on are no figure for a card."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One row; see ``training.evaluate.measure.Row``."""

    family: str
    chosen: str
    cap: float | None
    f1: float
    f1_sd: float
    false_alarm_percent: float
    missed_percent: float
    labelled: int
    fresh: float
    delay_median_s: float | None
    false_per_hour: float


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """F1 of ours minus a rival's, with 95 % of resamples; see ``training.evaluate.report.Difference``."""

    ours: str
    rival: str
    cap: float | None
    difference: float
    low: float
    high: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation, without what a card does not show."""

    files: int
    rows: int
    anomalous_percent: float
    table: list[Figure]
    differences: list[Difference]


def read(path: Path) -> Figures:
    """Figures from a file of this module, or from an evaluation's JSON; numbers rounded to what they are worth."""
    found = msgspec.json.decode(path.read_bytes(), type=Figures)
    return Figures(
        files=found.files,
        rows=found.rows,
        anomalous_percent=round(found.anomalous_percent, 1),
        table=[_rounded(figure) for figure in found.table if figure.chosen in SHOWN],
        differences=[_rounded(difference) for difference in found.differences],
    )


def table(figures: Figures) -> str:
    """Markdown; the command, the data, a row for each contestant."""
    head = (
        f"`python -m training.evaluate --data DIR --json` on {figures.files} labelled recordings of waico/SKAB "
        f"(a water circulation bench, 1 Hz), {figures.rows:,} rows after calibration, "
        f"{figures.anomalous_percent:g} % of them anomalous."
    )
    lines = [
        head,
        "",
        "| | settings chosen on | cap % | F1 (sd) | FAR % | MAR % | fresh | delay s | false/h |",
        "|---|---|---|---|---|---|---|---|---|",
        *map(_line, figures.table),
        "",
        "| F1 of | minus | cap % | difference | 95 % of resamples of files |",
        "|---|---|---|---|---|",
        *(
            f"| {each.ours} | {each.rival} | {_cap(each.cap)} | {each.difference:+.3f} | {each.low:+.3f} to "
            f"{each.high:+.3f} |"
            for each in figures.differences
        ),
    ]
    return "\n".join(lines)


def _line(row: Figure) -> str:
    delay = "-" if row.delay_median_s is None else f"{row.delay_median_s:.0f}"
    return (
        f"| {row.family} | {row.chosen} | {_cap(row.cap)} | {row.f1:.3f} ({row.f1_sd:.3f}) | "
        f"{row.false_alarm_percent:.1f} | {row.missed_percent:.1f} | {row.fresh:.1f} of {row.labelled} | {delay} | "
        f"{row.false_per_hour:.1f} |"
    )


def _cap(cap: float | None) -> str:
    return "none" if cap is None else f"{cap:g}"


def _rounded(row: _Row) -> _Row:
    floats = {name: round(value, 4) for name, value in msgspec.structs.asdict(row).items() if isinstance(value, float)}
    return msgspec.structs.replace(row, **floats)
