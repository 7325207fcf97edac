"""A wall clock that jumps.

The system's own clock is not touched: the processes are given one that jumps, which is what every event is stamped
with; TLS goes on using the system's.
"""

from typing import Final

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms

_HOUR_S: Final = 3600
_DECADE_S: Final = 10 * 365 * 24 * 3600
_SPEED: Final = 10.0
"""Slow enough that the recording does not begin again meanwhile: that is a gap of its own."""


def clock_jump_hour(stage: Stage) -> Row:
    """An hour forward, two hours back, and home again."""
    return _jump(stage, _HOUR_S)


def clock_jump_decade(stage: Stage) -> Row:
    """Ten years forward, twenty back, and home again."""
    return _jump(stage, _DECADE_S)


def _jump(stage: Stage, by_s: int) -> Row:
    with Scene(stage, speed=_SPEED) as scene:
        scene.provision()
        jumps = ["--jump", f"3:{by_s}", "--jump", f"6:{-2 * by_s}", "--jump", f"9:{by_s}"]
        scene.station.start("agent", *jumps)
        scene.station.start("run", *jumps)
        scene.until(lambda: scene.stored_count() > 0, 60, "no event was stored")
        scene.work(13.0)
        status = scene.station.run_status()
        gaps = sum(sensor.gaps for sensor in status.sensors.values()) if status else -1
        given_up = {name: count for name, count in (status.counters if status else {}).items() if ".lost." in name}
        broken = [f"{gaps} gaps made by a clock"] if gaps else []
        broken += [f"given up: {given_up}"] if given_up else []
        ended_ms = now_ms()
        scene.work(2.0)
        scene.settle()
        promise = "no gap, nothing expires, 0 lost, 0 twice"
        return scene.row(injected=3, promise=promise, ended_ms=[ended_ms], broken=broken)
