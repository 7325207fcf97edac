"""How often the filter cries wolf on a machine that is left alone: ``python -m training.idle RECORDING…``.

Each recording (made by ``thresher record``, or any CSV that ``thresher score`` reads) is judged row by row, as
``thresher score`` does; every episode that opens is false, because whoever recorded says that nothing happened.
The status is 1 where there are more an hour than ``--most``. Not here: labelled recordings (``training.evaluate``).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from device_agent.errors import ThresherError
from device_agent.scoring import ScoredRow, open_recording, score
from device_agent.sensors.recording import Recording
from training.evaluate import traffic
from training.evaluate.recordings import CALIBRATION_ROWS
from training.rivals.scene import Scene

MOST_PER_HOUR: Final = 1.0
_SECONDS_PER_HOUR: Final = 3600.0


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """One recording, or all of them.

    Attributes:
        hours: Judged: without calibration and without gaps.
        episodes: Opened.
        per_hour: Of them.
        open_percent: Share of the judged rows after which one was open.
        channels: How many episodes a channel opened.
    """

    hours: float
    episodes: int
    per_hour: float
    open_percent: float
    channels: dict[str, int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything.

    Attributes:
        recordings: By path.
        all: Together.
        traffic: What a gateway sends for them.
        most: Episodes an hour that are allowed.
        passed: No more than that, over all.
    """

    recordings: dict[str, Idle]
    all: Idle
    traffic: traffic.Traffic
    most: float
    passed: bool


def judge(recording: Recording, *, calibrate_rows: int) -> Idle:
    """One recording."""
    rows = list(score(recording, None, calibrate_rows=calibrate_rows))
    judged = [row for row in rows if row.state == "armed"]
    opened = [row for before, row in zip([None, *rows], rows, strict=False) if _opens(before, row)]
    hours = len(judged) / (recording.layout.rate_hz or 1.0) / _SECONDS_PER_HOUR
    open_rows = sum(row.anomalous for row in judged)
    return _idle(hours, 100 * open_rows / max(1, len(judged)), Counter(row.top_channel for row in opened))


def together(found: Sequence[Idle]) -> Idle:
    """Over all recordings."""
    hours = sum(each.hours for each in found)
    share = sum(each.open_percent * each.hours for each in found) / max(1e-9, hours)
    return _idle(hours, share, sum((Counter(each.channels) for each in found), Counter[str]()))


def _idle(hours: float, open_percent: float, channels: Counter[str]) -> Idle:
    return Idle(
        hours=round(hours, 3),
        episodes=channels.total(),
        per_hour=round(channels.total() / max(1e-9, hours), 3),
        open_percent=round(open_percent, 2),
        channels=dict(channels.most_common()),
    )


def _opens(before: ScoredRow | None, row: ScoredRow) -> bool:
    return row.anomalous and not (before is not None and before.anomalous)


def _scene(recording: Recording, calibrate_rows: int) -> Scene:
    rows = list(recording.rows())
    names = tuple(channel.name for channel in recording.layout.channels)
    step = 1 / (recording.layout.rate_hz or 1.0)
    times = np.arange(len(rows), dtype=np.float64) * step
    return Scene(names, times, np.array([row.reading.values for row in rows]), calibrate_rows)


def measure(paths: Sequence[Path], *, calibrate_rows: int, most: float) -> Report:
    """Judges all; raises ``ThresherError`` or ``OSError`` where one cannot be read or has no row to judge."""
    recordings = {str(path): open_recording(path) for path in paths}
    found = {name: judge(recording, calibrate_rows=calibrate_rows) for name, recording in recordings.items()}
    for name, idle in found.items():
        if not idle.hours:
            raise ThresherError(f"{name}: no row to judge", remedy=f"record more than {calibrate_rows} rows")
    scenes = [(_scene(each, calibrate_rows), each.layout.channels) for each in recordings.values()]
    total = together(list(found.values()))
    return Report(
        recordings=found,
        all=total,
        traffic=traffic.measure(scenes),
        most=most,
        passed=total.per_hour <= most,
    )


def page(report: Report) -> str:
    """Markdown."""
    named = [*report.recordings.items(), ("all", report.all)]
    lines = [
        f"| {name} | {idle.hours:.2f} | {idle.episodes} | {idle.per_hour:.2f} | {idle.open_percent:.2f} "
        f"| {', '.join(f'{channel} {count}' for channel, count in idle.channels.items())} |"
        for name, idle in named
    ]
    head = ["| recording | hours | episodes | per hour | % of the time open | opened by |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *lines, "", traffic.words(report.traffic)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(
        prog="python -m training.idle", description="Count false episodes in recordings of normal operation."
    )
    parser.add_argument("recordings", type=Path, nargs="+", metavar="RECORDING")
    parser.add_argument("--calibrate-rows", type=int, default=CALIBRATION_ROWS, help="of each recording (400)")
    parser.add_argument("--most", type=float, default=MOST_PER_HOUR, help="false episodes an hour, else status 1 (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    try:
        report = measure(options.recordings, calibrate_rows=options.calibrate_rows, most=options.most)
    except (ThresherError, OSError) as exc:
        print(f"error: {exc}", file=sys.stderr)  # noqa: T201 - a command's word
        print(f"try: {getattr(exc, 'remedy', '') or 'name recordings that can be read'}", file=sys.stderr)  # noqa: T201
        return 1
    print(msgspec.json.encode(report).decode() if options.json else page(report))  # noqa: T201 - a command's report
    return 0 if report.passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
