"""Small files that are replaced whole, under power cuts: an episode's note, a calibration, the spool's lease.

Promise of each: after a cut it is read as the version that was saved last, or as the one that was being saved.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from bench.powercut.disk import Disk
from bench.powercut.recording import record
from bench.powercut.rows import Row
from contract.events import LANES, Episode
from device_agent.condense.notes import FileNotes, Note
from device_agent.filters.calibration import Calibration
from device_agent.filters.store import FileCalibrations
from device_agent.spool.lease import Lease, LeaseNote, read_note

_SAVES: Final = 40


class Keeper(NamedTuple):
    """One kind of file.

    Attributes:
        name: Of the file.
        save: Saves a version.
        load: Gives the version found, or ``None``.
    """

    name: str
    save: Callable[[Path, int], None]
    load: Callable[[Path], int | None]


def cut_files(cuts: int, base: Path, source: random.Random) -> Row:
    """Cuts the power while the three are saved again and again."""
    row = Row(fault="power_cut_files", promise="a file saved is the old or the new one, whole")
    folder = base / "files"
    folder.mkdir()
    disk, saved = Disk(folder), [(0, keeper.name, 0) for keeper in KEEPERS]
    with record(folder) as recording:
        for version in range(1, _SAVES + 1):
            for keeper in KEEPERS:
                keeper.save(folder / keeper.name, version)
                saved.append((recording.position(), keeper.name, version))
    done = 0
    for number, at in enumerate(sorted(source.choices(range(len(recording.steps) + 1), k=cuts))):
        disk.replay(recording.steps[done:at])
        done = at
        left = base / f"files-{number}"
        left.mkdir()
        disk.cut(left, source)
        for keeper in KEEPERS:
            promised = max(version for steps, name, version in saved if name == keeper.name and steps <= at)
            _compare(row, keeper, promised, keeper.load(left / keeper.name))
        row.injected += 1
    return row


def _compare(row: Row, keeper: Keeper, promised: int, found: int | None) -> None:
    row.accepted += 1
    if promised <= (found or 0) <= promised + 1:
        row.stored += 1
    else:
        row.lost += 1
        row.broken.append(f"{keeper.name}: version {promised} was saved, {found} is there")


def _save_note(path: Path, version: int) -> None:
    said = Episode(
        wall_ms=version, monotonic_ms=version, episode_id="e", sensor="s", phase="updated", onset_wall_ms=0,
        duration_ms=0, score=1.0, peak_score=1.0, peak_wall_ms=0, top_channel="c", contributions={"c": 1.0},
        reason="x" * 600,
    )  # fmt: skip
    FileNotes(path).save(Note(said=said, boot_id="b", onset_monotonic_ns=0, sigma=1.0))


def _load_note(path: Path) -> int | None:
    note = FileNotes(path).load()
    return note.said.wall_ms if note else None


def _save_calibration(path: Path, version: int) -> None:
    FileCalibrations(path).save(
        Calibration(
            channels=(), rate_hz=10.0, model_sha256="m", made_wall_ms=version, scans=400,
            mu=(0.1,) * 64, home=(0.1,) * 64, sd=(1.0,) * 64, shown=(0.0,) * 64,
            bulk=(1.0,) * 64, square=(1.0,) * 64, watched=(True,) * 64,
        )
    )  # fmt: skip


def _load_calibration(path: Path) -> int | None:
    calibration = FileCalibrations(path).load()
    return calibration.made_wall_ms if calibration else None


def _save_lease(path: Path, version: int) -> None:
    Lease(path, LeaseNote(spool_id="s", hardware="h", below={})).write(dict.fromkeys(LANES, version))


def _load_lease(path: Path) -> int | None:
    note = read_note(path)
    return note.below["events"] if note else None


KEEPERS: Final = (
    Keeper("note.json", _save_note, _load_note),
    Keeper("calibration.json", _save_calibration, _load_calibration),
    Keeper("spool.sqlite3.lease", _save_lease, _load_lease),
)
