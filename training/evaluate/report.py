"""What was measured, as a page for people and as an object for programs."""

from collections.abc import Sequence
from itertools import product
from typing import Final

import msgspec

from training.evaluate import traffic
from training.evaluate.measure import Chooser, Measured, Row
from training.evaluate.nested import interval
from training.evaluate.recordings import Found
from training.evaluate.traffic import Traffic
from training.rivals.port import BUDGET, Family

_COLUMNS: Final = (
    "",
    "settings, chosen on",
    "cap",
    "F1 (sd)",
    "FAR %",
    "MAR %",
    "fresh",
    "delay p50 / p90 s",
    "false/h",
    "episode F1",
    "chosen",
)


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
        differences: Ours minus each rival, F1 of rows.
        episode_differences: Same for F1 of episodes, settings chosen by episode.
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
    episode_differences: list[Difference]
    traffic: Traffic | None
    seconds: float


def make(found: Found, families: Sequence[Measured | Family], *, cap: float, seconds: float) -> Report:
    """Puts it together."""
    measured = [each for each in families if isinstance(each, Measured)]
    several = len(found.recordings) > 1
    shown = [each for each in measured if several or each.family.settings == 1]
    folders = {each.name.rpartition("/")[0] for each in found.recordings}
    table = [each.row(limit) for limit, each in product((None, cap), shown) if limit is None or _chooses(each)]
    folder: tuple[Chooser, ...] = ("other folders",) if len(folders) > 1 else ()
    others: tuple[Chooser, ...] = ("other files, by episode", *folder, "the same files")
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
        differences=[_by_row(*pair, limit) for limit in (None, cap) for pair in _pairs(shown, limit)],
        episode_differences=[_by_episode(*pair) for pair in _pairs(shown, None)],
        traffic=traffic.measure((e.scene, traffic.finest(e.scene)) for e in found.recordings) if _ours(shown) else None,
        seconds=round(seconds, 1),
    )


def _pairs(measured: Sequence[Measured], cap: float | None) -> list[tuple[Measured, Measured]]:
    """Each of ours with each of the others; with a cap only those that choose."""
    ours = _ours(measured)
    rivals = [each for each in measured if each not in ours]
    return [pair for pair in product(ours, rivals) if cap is None or all(map(_chooses, pair))]


def _chooses(measured: Measured) -> bool:
    return measured.family.settings > 1


def _ours(measured: Sequence[Measured]) -> list[Measured]:
    return [each for each in measured if each.family.name.startswith("Thresher")]


def _by_row(ours: Measured, rival: Measured, cap: float | None) -> Difference:
    found = interval(ours.by_file(cap), rival.by_file(cap))
    return Difference(ours=ours.family.name, rival=rival.family.name, cap=cap, **found._asdict())


def _by_episode(ours: Measured, rival: Measured) -> Difference:
    found = interval(ours.episodes_by_file(), rival.episodes_by_file())
    return Difference(ours=ours.family.name, rival=rival.family.name, cap=None, **found._asdict())


def encode(report: Report) -> str:
    """One line of JSON."""
    return msgspec.json.encode(report).decode()


def page(report: Report) -> str:
    """Markdown."""
    lines = [
        _head(report),
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
        *map(_line, report.table),
        *(f"| {name} | | | {why} | | | | | | | |" for name, why in report.missing.items()),
        "",
        "| F1 of rows of | minus | cap % | difference | 95 % of resamples |",
        "|---|---|---|---|---|",
        *map(_difference_line, report.differences),
        "",
        "| F1 of episodes of | minus | cap % | difference | 95 % of resamples |",
        "|---|---|---|---|---|",
        *map(_difference_line, report.episode_differences),
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
        f"| {row.false_per_hour:.1f} | {row.episode_f1:.2f} | {row.setting}{edge} |"
    )


def _difference_line(each: Difference) -> str:
    shown = f"{each.difference:+.3f} | {each.low:+.3f} to {each.high:+.3f}"
    return f"| {each.ours} | {each.rival} | {_cap(each.cap)} | {shown} |"


def _cap(cap: float | None) -> str:
    return "none" if cap is None else f"{cap:g}"
