"""Labelled recordings as two public benchmarks lay them out.

- waico/SKAB: any CSV with a column ``anomaly`` (0 or 1 by row);
- numenta/NAB: ``data/**/*.csv`` with ``labels/combined_windows.json`` beside ``data``: a list of windows of time by
  path, each from its first to its last moment.

Read with the product's own reader (``device_agent.sensors.recording``). A file that is not used is named with the
reason. Not here: what is made of labels (``counts``).
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from device_agent.errors import ConfigError
from device_agent.scoring import open_recording
from device_agent.sensors.recording import Recording
from training.rivals.scene import Bools, Floats, Scene

CALIBRATION_ROWS: Final = 400
"""As waico/SKAB's own protocol, and as a gateway's default."""

LABEL: Final = "anomaly"
WINDOWS: Final = Path("labels") / "combined_windows.json"


class Labelled(NamedTuple):
    """One recording.

    Attributes:
        name: Its path below the folder that was given.
        digest: SHA-256 of the file.
        scene: What contestants see.
        labels: By row.
    """

    name: str
    digest: str
    scene: Scene
    labels: Bools


class Found(NamedTuple):
    """What a folder holds.

    Attributes:
        recordings: In the order of their names.
        unused: Reason by name.
    """

    recordings: list[Labelled]
    unused: dict[str, str]


def find(folder: Path, *, calibration: int = CALIBRATION_ROWS) -> Found:
    """Every labelled recording of a folder; raises ``ConfigError`` where there is none."""
    recordings, unused = [], {}
    for path in sorted(folder.rglob("*.csv")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        try:
            made = _read(path, name, calibration)
        except (ConfigError, ValueError) as exc:
            unused[name] = str(exc)
            continue
        if made.labels[calibration:].all() or not made.labels[calibration:].any():
            unused[name] = "after calibration its rows are all labelled alike"
        recordings.append(made)
    kept = [each for each in recordings if each.name not in unused]
    if not kept:
        raise ConfigError(f"{folder}: no labelled recording", remedy="see docs/evaluation.md for the two layouts")
    return Found(kept, unused)


def _read(path: Path, name: str, calibration: int) -> Labelled:
    recording = open_recording(path)
    rows = list(recording.rows())
    values = np.array([row.reading.values for row in rows])
    if len(values) <= calibration:
        raise ValueError(f"{len(values)} rows, and {calibration} of them calibrate")
    times = _times([row.time_s for row in rows])
    names = tuple(channel.name for channel in recording.layout.channels)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Labelled(name, digest, Scene(names, times, values, calibration), _labels(path, times))


def _times(given: list[float | None]) -> Floats:
    """Seconds; rows without any time are a second apart."""
    known = [time for time in given if time is not None]
    if len(known) == len(given):
        return np.array(known)
    return np.arange(len(given), dtype=np.float64)


def _labels(path: Path, times: Floats) -> Bools:
    above = next((folder for folder in path.parents if (folder / WINDOWS).is_file()), None)
    if above is None:
        return np.array([row.reading.values[0] > 0 for row in Recording(path, (LABEL,)).rows()])
    by_path = msgspec.json.decode((above / WINDOWS).read_bytes(), type=dict[str, list[tuple[str, str]]])
    key = path.relative_to(above / "data").as_posix()
    if key not in by_path:
        raise ValueError(f"{above / WINDOWS} says nothing of it")
    labels = np.zeros(len(times), dtype=bool)
    for first, last in by_path[key]:
        labels |= (times >= _seconds(first)) & (times <= _seconds(last))
    return labels


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp()
