"""Scores that are kept, so that a run computes each once: by file, variant, and the code that made them.

A change of a detector's sources, of the models or of the pinned libraries voids what it was. A damaged file is
computed again.
"""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from device_agent.files import atomic_write
from training.evaluate.recordings import Labelled
from training.rivals.port import Detector
from training.rivals.scene import Floats

_ROOT: Final = Path(__file__).resolve().parents[2]
_PRODUCT: Final = ("device_agent/**/*.py", "contract/*.py", "models/*.tflite")
_RIVALS: Final = ("training/rivals/scene.py", "requirements/training.lock")

FOLDER: Final = _ROOT / "build" / "evaluate"


class KeptScores:
    """Scores on the disk.

    Args:
        folder: Where; made when needed.

    Attributes:
        computed: How many were not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.computed = 0

    def scores(self, recording: Labelled, detector: Detector) -> Floats:
        """Of one file by one variant."""
        module = type(detector).__module__
        key = f"{fingerprint(module)} {recording.digest} {recording.scene.calibration} {module} {detector.label}"
        path = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.f64"
        kept = _load(path, len(recording.scene.values))
        if kept is not None:
            return kept
        made = detector.scores(recording.scene)
        self.computed += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        atomic_write(path, made.astype("<f8").tobytes(), durable=False)
        return made


def _load(path: Path, rows: int) -> Floats | None:
    try:
        kept = np.frombuffer(path.read_bytes(), dtype="<f8").astype(np.float64)
    except (OSError, ValueError):
        return None
    return kept if len(kept) == rows else None


@cache
def fingerprint(module: str) -> str:
    """Of everything that the scores of a module's detectors may depend on."""
    digest = hashlib.sha256(Path(str(sys.modules[module].__file__)).read_bytes())
    for path in _sources(_RIVALS if module.startswith("training.rivals") else _PRODUCT):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _sources(patterns: Iterable[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in _ROOT.glob(pattern))
