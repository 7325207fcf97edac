"""thresher score: what the gateway's filter says of every row of a recording.

Writes one row per row of the recording, in order: timestamp, score, threshold, anomalous (0 or 1: an episode is
open), state (calibrating, armed, gap), top_channel. A row's score depends on earlier rows only. Columns with the
usual names of labels and row numbers are never read as channels.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from device_agent import config as configuration
from device_agent.config import FilterConfig
from device_agent.errors import ConfigError
from device_agent.files import atomic_write
from device_agent.scoring import ScoredRow, open_recording, score
from device_agent.sensors.recording import Recording

FEWEST_ROWS: Final = 128
"""As for a gateway's ``filter.calibration_scans``."""

_PROGRESS_ROWS: Final = 5000


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` prints.

    Attributes:
        rows: Of the recording.
        calibrating: Rows without a score because the filter was learning.
        gaps: Rows without a score because too much was missing.
        anomalous: Rows after which an episode was open.
        episodes: How often one opened.
        channels: What was judged.
    """

    rows: int
    calibrating: int
    gaps: int
    anomalous: int
    episodes: int
    channels: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, metavar="RECORDING.csv", help="`,` or `;`, with a header line")
    parser.add_argument("--output", type=Path, required=True, help="the scores; replaced when they are whole")
    parser.add_argument("--calibrate-rows", type=int, help="the filter learns from the first rows (400)")
    parser.add_argument("--timestamp-column", help="its name (default: timestamp, datetime, time, date, ts, epoch …)")
    parser.add_argument("--config", type=Path, help="a gateway's document: its filter's model and calibration")
    parser.add_argument("--json", action="store_true", help="print a summary as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Scores the whole recording."""
    settings = FilterConfig() if arguments.config is None else configuration.load(arguments.config).filter
    needed = settings.calibration_scans if arguments.calibrate_rows is None else arguments.calibrate_rows
    if needed < FEWEST_ROWS:
        raise ConfigError(f"--calibrate-rows {needed}", remedy=f"use at least {FEWEST_ROWS} rows")
    recording = open_recording(arguments.recording, time_column=arguments.timestamp_column)
    _check_output(arguments.output, arguments.recording)
    if recording.layout.rate_hz is None:
        print(_untimed(recording), file=sys.stderr)
    model = Path(settings.model) if settings.model else None
    number = settings.expected_false_per_week
    rows = list(_shown(score(recording, model, calibrate_rows=needed, false_per_week=number)))
    try:
        atomic_write(arguments.output, _csv(rows))
    except OSError as exc:
        raise ConfigError(
            f"--output {arguments.output}: {exc.strerror or exc}", remedy="name a file elsewhere"
        ) from exc
    summary = _summary(rows, [channel.name for channel in recording.layout.channels])
    if summary.rows == summary.calibrating:
        print(f"{arguments.recording}: no row has a score: {needed} rows calibrate", file=sys.stderr)
    print(msgspec.json.encode(summary).decode() if arguments.json else _line(arguments.output, summary))
    return 0


def _check_output(output: Path, recording: Path) -> None:
    """Before the work: the recording must survive, and the scores need a folder."""
    if output.exists() and output.samefile(recording):
        raise ConfigError(f"--output {output}: this is the recording itself", remedy="name another file")
    if not output.parent.is_dir():
        raise ConfigError(f"--output {output}: no folder {output.parent}", remedy="name a file elsewhere")


def _untimed(recording: Recording) -> str:
    said = "no column of timestamps" if recording.layout.time_at is None else "no timestamps that can be read"
    return f"{recording.path}: {said}: taken as one row a second; timestamps are ISO 8601 or Unix time"


def _csv(rows: Iterable[ScoredRow]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("timestamp", *ScoredRow._fields[1:]))
    for row in rows:
        shown = "" if row.score is None else f"{row.score:.4f}"
        writer.writerow((row.time, shown, f"{row.threshold:g}", int(row.anomalous), row.state, row.top_channel))
    return text.getvalue().encode()


def _summary(rows: list[ScoredRow], channels: list[str]) -> Summary:
    open_now = [row.anomalous for row in rows]
    return Summary(
        rows=len(rows),
        calibrating=sum(row.state == "calibrating" for row in rows),
        gaps=sum(row.state == "gap" for row in rows),
        anomalous=sum(open_now),
        episodes=sum(now and not before for before, now in zip([False, *open_now], open_now, strict=False)),
        channels=channels,
    )


def _line(output: Path, found: Summary) -> str:
    return f"{output}: {found.rows} rows, {found.episodes} episodes over {found.anomalous} rows, {found.gaps} gaps"


def _shown(rows: Iterator[ScoredRow]) -> Iterator[ScoredRow]:
    for number, row in enumerate(rows, 1):
        if number % _PROGRESS_ROWS == 0 and sys.stderr.isatty():
            print(f"\r{number} rows", end="", file=sys.stderr, flush=True)
        yield row
