"""What one sensor keeps over a restart: each part has a place of its own.

Not here: what is kept there and when (the parts themselves).
"""

from pathlib import Path
from typing import NamedTuple

from device_agent.condense.notes import EpisodeNotes, FileNotes
from device_agent.drift.store import FileReferences, ReferenceStore
from device_agent.filters.season_store import FileSeasons, SeasonStore
from device_agent.filters.store import CalibrationStore, FileCalibrations
from device_agent.filters.wishes import calibration_file


class ShadowMemory(NamedTuple):
    """What a candidate keeps over a restart."""

    calibration: CalibrationStore
    season: SeasonStore | None = None


class Memory(NamedTuple):
    """What one sensor keeps over a restart.

    Without ``reference``, drift is compared with this process's start; without ``season``, no season is learnt; without
    ``shadow``, a candidate calibrates with every start.
    """

    calibration: CalibrationStore
    episode: EpisodeNotes
    reference: ReferenceStore | None = None
    season: SeasonStore | None = None
    shadow: ShadowMemory | None = None


def file_memory(folder: Path, sensor: str) -> Memory:
    """In files of a folder, named after the sensor."""
    return Memory(
        FileCalibrations(calibration_file(folder, sensor)),
        FileNotes(folder / f"episode-{sensor}.json"),
        FileReferences(folder / f"drift-{sensor}.json"),
        FileSeasons(folder / f"season-{sensor}.json"),
        ShadowMemory(
            FileCalibrations(folder / f"shadow-calibration-{sensor}.json"),
            FileSeasons(folder / f"shadow-season-{sensor}.json"),
        ),
    )
