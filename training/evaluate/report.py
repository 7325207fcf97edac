"""What was measured, as a page for people and as an object for programs."""

from collections.abc import Sequence
from itertools import product

import msgspec

from training.evaluate import traffic
from training.evaluate.measure import Chooser, Measured, Row
from training.evaluate.nested import Interval, interval
from training.evaluate.recordings import Found
from training.evaluate.traffic import Traffic
from training.rivals.port import BUDGET, Family


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """F1 of ours minus a rival's, both with settings chosen on other files.

    Attributes:
        ours: Which of ours.
        rival: Which rival.
        cap: See ``Row``.
        difference: Of the pooled figures.
        low: 2.5 % of the resamples of files lie below.
        high: And so many above.
    """

    ours: str
    rival: str
    cap: float | None
    difference: float
    low: float
    high: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything.

    Attributes:
        files: Recordings measured.
        rows: Of them, after calibration.
        anomalous_percent: Of these rows.
        calibration_rows: Of each recording.
        unused: Reason by name of every file that was not measured.
        missing: Reason by name of every family that could not run here.
        table: By family, without and with a cap.
        differences: Ours minus each rival.
        traffic: What ours sends for these recordings; ``None`` where ours was left out.
        seconds: The whole run took.
    """

    files: int
    rows: int
    anomalous_percent: float
    calibration_rows: int
    unused: dict[str, str]
    missing: dict[str, str]
    table: list[Row]
    differences: list[Difference]
    traffic: Traffic | None
    seconds: float


def make(found: Found, families: Sequence[Measured | Family], *, cap: float, seconds: float) -> Report:
    """Puts it together."""
    measured = [each for each in families if isinstance(each, Measured)]
    several = len(found.recordings) > 1
    shown = [each for each in measured if several or each.family.settings == 1]
    folders = {each.name.rpartition("/")[0] for each in found.recordings}
    table = [each.row(limit) for limit, each in product((None, cap), shown) if limit is None or _chooses(each)]
    others: tuple[Chooser, ...] = ("other folders", "the same files") if len(folders) > 1 else ("the same files",)
    table += [each.row(None, chooser) for chooser, each in product(others, shown) if _chooses(each)]
    after = [each.labels[each.scene.calibration :] for each in found.recordings]
    rows, anomalous = sum(map(len, after)), sum(int(labels.sum()) for labels in after)
    return Report(
        files=len(found.recordings),
        rows=rows,
        anomalous_percent=100 * anomalous / rows,
        calibration_rows=found.recordings[0].scene.calibration,
        unused=found.unused,
        missing={each.name: each.missing for each in families if isinstance(each, Family)},
        table=table,
        differences=_differences(shown, cap),
        traffic=traffic.measure((e.scene, traffic.finest(e.scene)) for e in found.recordings) if _ours(shown) else None,
        seconds=round(seconds, 1),
    )


def _differences(measured: Sequence[Measured], cap: float) -> list[Difference]:
    ours = _ours(measured)
    rivals = [each for each in measured if each not in ours]
    return [
        _difference(mine, theirs, limit)
        for limit, mine, theirs in product((None, cap), ours, rivals)
        if limit is None or min(mine.family.settings, theirs.family.settings) > 1
    ]


def _chooses(measured: Measured) -> bool:
    return measured.family.settings > 1


def _ours(measured: Sequence[Measured]) -> list[Measured]:
    return [each for each in measured if each.family.name.startswith("Thresher")]


def _difference(ours: Measured, rival: Measured, cap: float | None) -> Difference:
    found: Interval = interval(ours.by_file(cap), rival.by_file(cap))
    return Difference(ours=ours.family.name, rival=rival.family.name, cap=cap, **found._asdict())


def encode(report: Report) -> str:
    """One line of JSON."""
    return msgspec.json.encode(report).decode()


def page(report: Report) -> str:
    """Markdown."""
    lines = [
        _head(report),
        "",
        "| | settings, chosen on | cap | F1 (sd) | FAR % | MAR % | fresh | delay p50 / p90 s | false/h | chosen |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *map(_line, report.table),
        *(f"| {name} | | | {why} | | | | | | |" for name, why in report.missing.items()),
        "",
        "| F1 of | minus | cap % | difference | 95 % of resamples |",
        "|---|---|---|---|---|",
        *map(_difference_line, report.differences),
        "",
        *(f"Not used: {name}: {why}" for name, why in report.unused.items()),
        *([] if report.traffic is None else [traffic.words(report.traffic)]),
        f"{report.seconds:.0f} s.",
    ]
    return "\n".join(lines)


def _head(report: Report) -> str:
    return (
        f"{report.files} recordings, {report.rows:,} rows after the first {report.calibration_rows} of each, "
        f"{report.anomalous_percent:.1f} % of them anomalous. {BUDGET} settings for each rival to choose from."
    )


def _line(row: Row) -> str:
    delay = "-" if row.delay_median_s is None else f"{row.delay_median_s:.0f} / {row.delay_p90_s:.0f}"
    edge = f" ({row.at_edge:.0%} at the edge)" if row.at_edge >= 0.1 else ""  # noqa: PLR2004 - below it is noise
    return (
        f"| {row.family} | {row.settings}, {row.chosen} | {_cap(row.cap)} | {row.f1:.3f} ({row.f1_sd:.3f}) "
        f"| {row.false_alarm_percent:.1f} | {row.missed_percent:.1f} | {row.fresh:.1f} of {row.labelled} | {delay} "
        f"| {row.false_per_hour:.1f} | {row.setting}{edge} |"
    )


def _difference_line(each: Difference) -> str:
    shown = f"{each.difference:+.3f} | {each.low:+.3f} to {each.high:+.3f}"
    return f"| {each.ours} | {each.rival} | {_cap(each.cap)} | {shown} |"


def _cap(cap: float | None) -> str:
    return "none" if cap is None else f"{cap:g}"
