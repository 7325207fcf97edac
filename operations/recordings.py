"""Labels with what was measured around each, as files: data for training and for measuring.

    labels of a gateway ─▶ their episodes ─▶ raw scans around each onset ─▶ <folder>/<gateway>/<sensor>.csv
                                                                           <folder>/labels.jsonl

A CSV is laid out as waico/SKAB's: ``datetime``, channels, ``anomaly``; ``python -m training.evaluate --data FOLDER``
reads it once it holds more than the 400 rows that calibrate. Scans between an onset and the end of an episode called
a fault are 1, of one called a false alarm 0; one called neither is left out, and so is one whose scans have expired.

Not here: which labels there are (``labels``), reading scans (``labelled_scans``).
"""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from operations.errors import OperationError
from operations.labelled_scans import TIME_DIGITS, Scans, scans_of
from operations.labels import Labelled
from operations.stack import Stack


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        labels: Lines of ``labels.jsonl``.
        files: CSV files.
        rows: Scans in them.
        without_scans: Labels, true or false, whose scans have not come or have expired.
    """

    labels: int
    files: int
    rows: int
    without_scans: int


def export(stack: Stack, found: Iterable[Labelled], folder: Path) -> Exported:
    """Writes labels and scans into a folder. Raises ``OperationError``."""
    kept: dict[tuple[str, str], list[Scans]] = {}
    known, missing = list(found), 0
    for one in known:
        if one.label == "ignore":
            continue
        scans = scans_of(stack, one)
        missing += scans is None
        if scans is not None:
            kept.setdefault((one.gateway_id, one.sensor), []).append(scans)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "labels.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in known))
        rows = [_write(folder / gateway / f"{sensor}.csv", group) for (gateway, sensor), group in sorted(kept.items())]
    except OSError as exc:
        raise OperationError(f"{folder}: {exc}", remedy="name a folder that can be written with --output") from exc
    return Exported(labels=len(known), files=len(rows), rows=sum(rows), without_scans=missing)


def _write(path: Path, group: Sequence[Scans]) -> int:
    """All scans of one sensor as a recording, in the order of time; returns how many. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = sorted({name for scans in group for name in scans.channels})
    rows: dict[float, list[str]] = {}
    for scans in group:
        for i, at in enumerate(scans.times_ms):
            is_faulty = scans.faulty[i] or (at in rows and rows[at][-1] == "1")
            rows[at] = [*(_cell(scans, name, i) for name in names), str(int(is_faulty))]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(["datetime", *names, "anomaly"])
        writer.writerows([_time(at), *rows[at]] for at in sorted(rows))
    return len(rows)


def _cell(scans: Scans, name: str, i: int) -> str:
    reading = scans.channels[name][i] if name in scans.channels else None
    return "" if reading is None else f"{reading:.12g}"


def _time(wall_ms: float) -> str:
    at = datetime.fromtimestamp(int(wall_ms // 1000), UTC) + timedelta(milliseconds=round(wall_ms % 1000, TIME_DIGITS))
    return at.strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix("000")
