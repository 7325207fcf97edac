"""Stands in for ``thresher run`` inside a release, and does what ``behaviour.json`` beside ``bin`` says.

A program of its own, with the standard library alone: fifty of them run on one machine. Every other command of
``thresher`` is the installation's.
"""

import fcntl
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

EVERY_S = 0.25
RATE_HZ = 10.0


def main(arguments: list[str]) -> int:
    """Runs one command."""
    behaviour = json.loads((Path(__file__).resolve().parents[1] / "behaviour.json").read_text())
    if arguments[:1] == ["run"]:
        return sense(Path(arguments[arguments.index("--config") + 1]), behaviour)
    if arguments[:1] in (["--help"], ["supervise"]):
        return 0 if arguments[0] == "--help" else 2
    python = behaviour["python"]
    os.execv(python, [python, "-m", "thresher", *arguments])  # noqa: S606 - the installation's own program
    return 1


def sense(document: Path, behaviour: dict[str, str]) -> int:
    """Writes a status file until it is told to end, or its fault ends it."""
    folder = document.parent / state_dir(document)
    lock = (folder / "run.lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # two at once is a defect of whoever starts them
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    fault, started_s, hoard = behaviour["fault"], time.monotonic(), []
    while not ending:
        age_s = time.monotonic() - started_s
        if fault == "crashes" and age_s > 1:
            return 3
        if fault == "leaks":
            hoard.append(bytearray(os.urandom(1)) * (1 << 20))
        if fault != "is mute":
            say(folder, age_s, behaviour)
        end_s = time.monotonic() + EVERY_S
        while fault == "burns" and time.monotonic() < end_s:
            pass
        time.sleep(max(0.0, end_s - time.monotonic()))
    return 0


def say(folder: Path, age_s: float, behaviour: dict[str, str]) -> None:
    """One status; see ``device_agent.health.RunStatus``."""
    samples = 0 if behaviour["fault"] == "stops sampling" else round(age_s * RATE_HZ)
    scores = [0] * int(behaviour["bins"])
    scores[int(behaviour["alarm" if behaviour["fault"] == "raises false alarms" else "quiet"])] = samples // 4
    sensor = {"state": "armed", "rate_hz": RATE_HZ, "scans": samples, "samples": samples, "windows": samples // 4}
    status = {
        "gateway_id": "stand-in",
        "pid": os.getpid(),
        "wall_ms": round(time.time() * 1000),
        "uptime_ms": round(age_s * 1000),
        "armed_after_ms": 0,
        "accepted": samples // 10,
        "samples": samples,
        "windows": samples // 4,
        "raw_bytes": samples * 20,
        "sensors": {"machine": sensor},
        "filters": {"machine": {"model": behaviour["version"], "scores": scores, "opened": 0}},
        "counters": {},
    }
    temporary = folder / f".run-status.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(status))
    temporary.replace(folder / "run-status.json")


def state_dir(document: Path) -> str:
    """As the document says, without reading YAML."""
    found = re.search(r"^state_dir: *(\S+)", document.read_text(), re.MULTILINE)
    return found[1] if found else "state"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
