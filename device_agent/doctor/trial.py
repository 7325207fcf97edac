"""Every sensor, opened and read as the gateway would; or, where the gateway runs, what it says of them.

A sensor is read twice, because a rate needs two readings. One that hangs is left to its thread: the process that asks
ends soon anyway. What a reading switches, clears or claims, it does as the gateway would; so not beside a running one.
"""

import threading
import time
from collections.abc import Sequence
from typing import Final

from device_agent.doctor.findings import Finding, good, note, problem
from device_agent.errors import ConfigError, SensorError
from device_agent.health import RunStatus
from device_agent.sensors.port import EndOfRecordingError, Reading, SensorConfig

TRIAL_S: Final = 10.0
_BETWEEN_S: Final = 0.25


def tried(sensors: Sequence[SensorConfig], *, within_s: float = TRIAL_S) -> list[Finding]:
    """Opens and reads all of them, each on a thread of its own."""
    found: dict[str, Finding] = {}

    def work(sensor: SensorConfig) -> None:
        found[sensor.name] = _try(sensor)

    threads = [
        threading.Thread(target=work, args=(sensor,), name=f"try-{sensor.name}", daemon=True) for sensor in sensors
    ]
    for thread in threads:
        thread.start()
    end_s = time.monotonic() + within_s
    for thread in threads:
        thread.join(max(0.0, end_s - time.monotonic()))
    return [found.get(sensor.name) or _hung(sensor, within_s) for sensor in sensors]


def told(sensors: Sequence[SensorConfig], status: RunStatus) -> list[Finding]:
    """What the running process says of them."""
    return [_told(sensor.name, status) for sensor in sensors]


def _try(sensor: SensorConfig) -> Finding:
    try:
        opened = sensor.open()
        try:
            opened.read()
            threading.Event().wait(_BETWEEN_S)
            return _read(sensor, opened.read(), len(opened.channels))
        finally:
            opened.close()
    except (ConfigError, SensorError) as exc:
        return problem("sensors", f"`{sensor.name}`: {exc}", exc.remedy or "check its wiring and its power")
    except EndOfRecordingError:
        return note("sensors", f"`{sensor.name}`: the recording is at its end", "set `loop: true` to play it again")


def _read(sensor: SensorConfig, reading: Reading, channels: int) -> Finding:
    if not reading.gaps:
        return good("sensors", f"`{sensor.name}`: read, {channels} channels")
    name, reason = next(iter(reading.gaps.items()))
    what = f"`{sensor.name}`: {len(reading.gaps)} of {channels} channels give no value; {name}: {reason}"
    if len(reading.gaps) < channels:
        return note("sensors", what)
    return problem("sensors", what, "check its wiring and its power")


def _hung(sensor: SensorConfig, within_s: float) -> Finding:
    what = f"`{sensor.name}`: did not answer within {within_s:g} s"
    return problem("sensors", what, "check its wiring; the gateway works on without it, and counts its gaps")


def _told(name: str, status: RunStatus) -> Finding:
    health = status.sensors.get(name)
    if health is None:
        what = f"`{name}`: the running `thresher run` does not know it"
        return note("sensors", what, "kill -HUP it, and see `degraded` in run-status.json")
    if health.state == "failed":
        return problem("sensors", f"`{name}`: fails; {health.last_gap}", "check its wiring and its power")
    gaps = f", {health.gaps} gaps, the last: {health.last_gap}" if health.gaps else ""
    return good("sensors", f"`{name}`: {health.state}, {health.scans} scans{gaps}")
