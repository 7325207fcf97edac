"""Loads every file of a model folder and has it judge a quiet window: ``python -m … FOLDER``, exit status 0 or 1."""

import sys
from pathlib import Path

import numpy as np

from device_agent.errors import ModelError
from device_agent.filters.card import check_folder
from device_agent.filters.model import LevelModel, Normal
from device_agent.filters.published import file_for
from device_agent.filters.signature import VARIANTS, WINDOW_SCANS


def try_models(folder: Path) -> None:
    """Raises ``ModelError`` if a sensor with any number of channels could not use them."""
    check_folder(folder)
    for channels in VARIANTS:
        model = LevelModel.load(folder / file_for(channels), channels)
        zeros, ones = np.zeros(channels, dtype=np.float32), np.ones(channels, dtype=np.float32)
        quiet = np.zeros((WINDOW_SCANS, channels), dtype=np.float32)
        scored = model.score(quiet, np.ones_like(quiet), Normal(zeros, ones, ones, ones))
        if not (np.isfinite(scored.score) and abs(scored.score) < 1):
            raise ModelError(f"{folder / file_for(channels)}: scores {scored.score} where nothing deviates")


def main(folder: Path) -> int:
    """Says on stderr what is wrong."""
    try:
        try_models(folder)
    except ModelError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
