"""Command line: see ``python -m training.evaluate --help``."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from device_agent.errors import ThresherError
from training.evaluate import kept, report
from training.evaluate.families import NAMES, families
from training.evaluate.measure import CAP_PERCENT, Measured
from training.evaluate.recordings import CALIBRATION_ROWS, find


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints a table, and with ``--json`` one object on the last line of stdout."""
    options = _parser().parse_args(arguments)
    began_s = time.perf_counter()
    try:
        found = find(options.data, calibration=options.calibrate_rows)
        scores = kept.KeptScores(options.keep)
        measured = []
        for family in families(options.only or NAMES):
            print(f"{family.name} …", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command
            measured.append(Measured(family, found.recordings, scores) if not family.missing else family)
        made = report.make(found, measured, cap=options.cap, seconds=time.perf_counter() - began_s)
    except (ThresherError, OSError) as exc:
        print(f"error: {exc}", file=sys.stderr)  # noqa: T201 - see above
        print(f"try: {getattr(exc, 'remedy', '') or 'name a folder that can be read'}", file=sys.stderr)  # noqa: T201
        return 1
    print(report.encode(made) if options.json else report.page(made))  # noqa: T201 - the report of a command
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description="Measure the filter and its rivals on labelled recordings."
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder laid out as waico/SKAB or numenta/NAB")
    parser.add_argument(
        "--only", choices=NAMES, action="append", help="may be given again; all-ones and position-only always stay"
    )
    parser.add_argument("--calibrate-rows", type=int, default=CALIBRATION_ROWS, help="of each recording (400)")
    parser.add_argument("--cap", type=float, default=CAP_PERCENT, help="false-alarm rate of the capped rows, percent")
    parser.add_argument("--keep", type=Path, default=kept.FOLDER, help="where computed scores are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
