"""A release of the application whose sensing is a stand-in, good or with one fault: for updates of many gateways.

The supervisor and the agent beside it are the real ones. Not here: the program (``twin.stand_in_program``).
"""

import json
import sys
from pathlib import Path
from typing import Final, Literal

from device_agent.filters.tally import EDGES

Fault = Literal["", "crashes", "leaks", "stops sampling", "raises false alarms", "burns", "is mute"]

_PROGRAM: Final = Path(__file__).with_name("stand_in_program.py")
_QUIET: Final = 0.15
_ALARM: Final = 1.6


def release_files(version: str, fault: Fault = "", *, python: str = sys.executable) -> dict[str, bytes]:
    """Its files by their paths; stage it as a folder, whose program is ``bin/thresher``.

    Args:
        version: Told as the label of its model.
        fault: What is wrong with it; empty for nothing.
        python: Of the installation, whose agent it uses.
    """
    behaviour = {
        "version": version,
        "fault": fault,
        "python": python,
        "bins": len(EDGES) + 1,
        "quiet": sum(edge <= _QUIET for edge in EDGES),
        "alarm": sum(edge <= _ALARM for edge in EDGES),
    }
    program = f"#!{python} -IS\n".encode() + _PROGRAM.read_bytes()
    return {"bin/thresher": program, "behaviour.json": json.dumps(behaviour).encode()}


def write_release(folder: Path, version: str, fault: Fault = "") -> Path:
    """Writes the files into a folder, which is made; returns it."""
    for name, data in release_files(version, fault).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "bin" / "thresher").chmod(0o755)
    return folder
