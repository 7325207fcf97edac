"""Someone's wish that a sensor's filter learn anew what is normal: an empty file beside its calibration.

It stands alone, so that who only wishes loads no arithmetic.
"""

from pathlib import Path

from device_agent.files import atomic_write


def calibration_file(folder: Path, sensor: str) -> Path:
    """Where a sensor's calibration lies in a state folder."""
    return folder / f"calibration-{sensor}.json"


def wish_file(calibration: Path) -> Path:
    """Where the wish for another one lies."""
    return calibration.with_suffix(".again")


def ask_anew(calibration: Path) -> None:
    """Asks whoever filters with this file, now or at its next start, for another calibration.

    Raises:
        OSError: The folder is missing or cannot be written.
    """
    atomic_write(wish_file(calibration), b"")
