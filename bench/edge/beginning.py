"""How long a gateway takes from the start of its program to its first sample, model loaded.

The first scan's own time stamp counts, as it arrives in its context; the clock is the machine's since boot.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from bench.edge.scenery import CALM_HZ, Scenery
from contract.codec import decode_event
from contract.readings import Context
from device_agent.config import ContextConfig, GatewayConfig, SpoolConfig
from device_agent.identity import monotonic_ns
from device_agent.spool.export import pending
from twin.children import child_environment
from twin.errors import TwinError
from twin.gateways import RunStatus

_WITHIN_S: Final = 20.0
_POLL_S: Final = 0.05
_END_S: Final = 10.0


def measure(scenery: Scenery, times: int) -> float:
    """Milliseconds, the median of so many starts, each with an empty state folder."""
    return round(statistics.median(_start(scenery, number) for number in range(times)), 1)


def _start(scenery: Scenery, number: int) -> float:
    folder = scenery.folder / f"beginning-{number}"
    (folder / "home").mkdir(parents=True)
    config = GatewayConfig(
        gateway="beginning",
        state_dir=str(folder / "state"),
        sensors=[scenery.noise("noise", CALM_HZ)],
        context=ContextConfig(before_scans=0, after_scans=0, continuous_s=0.5),
        spool=SpoolConfig(group_commit_s=0),
    )
    document = folder / "gateway.yaml"
    document.write_bytes(msgspec.yaml.encode(config))
    command = [sys.executable, "-m", "thresher", "run", "--config", str(document)]
    environment = child_environment(folder / "home")
    with (folder / "run.log").open("wb") as log:
        began_ms = monotonic_ns() / 1e6
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        _await_samples(folder / "state" / "run-status.json", process)
    finally:
        process.terminate()
        process.wait(_END_S)
    return _first_scan_ms(folder / "state" / "spool.sqlite3") - began_ms


def _await_samples(status: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline_s and process.poll() is None:
        if status.exists() and msgspec.json.decode(status.read_bytes(), type=RunStatus).samples:
            return
        time.sleep(_POLL_S)
    raise TwinError(f"no sample within {_WITHIN_S:g} s of the start", remedy="try on a calmer machine")


def _first_scan_ms(path: Path) -> float:
    """When the first scan in the spool was taken, milliseconds since boot."""
    events = [decode_event(each.event) for each in pending(path) if each.event is not None]
    times = [event.monotonic_ms for event in events if isinstance(event, Context)]
    if not times:
        raise TwinError(f"{path}: no scan in it", remedy="report it: what waits is written at the end")
    return float(min(times))
