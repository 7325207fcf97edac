"""Which gateways the demo has: the machine it runs on, live, and recordings played faster than they were made."""

from pathlib import Path
from typing import Final

import msgspec

from device_agent.sensors.drivers import AnySensorConfig
from device_agent.sensors.host import HostSensor
from device_agent.sensors.replay import ReplaySensor
from twin.errors import TwinError

LIVE_ID: Final = "live-host"
_LIVE_RATE_HZ: Final = 10.0
_LIVE_CALIBRATION_SCANS: Final = 300
_REPLAY_CALIBRATION_SCANS: Final = 600
_REPLAY_SPEED: Final = 8.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway of the demo is.

    Attributes:
        gateway_id: The thing's name.
        sensor: What it reads.
        calibration_scans: How long its filter watches before it is armed.
        fault: The fault its recording holds; empty for the live host.
    """

    gateway_id: str
    sensor: AnySensorConfig
    calibration_scans: int
    fault: str = ""


def plan_gateways(count: int, recordings: Path) -> list[Plan]:
    """The live host and ``count - 1`` replays, which take the recordings in turn.

    Raises:
        TwinError: There is no recording.
    """
    found = sorted(path for path in recordings.glob("*.csv") if not path.stem.endswith(".labels"))
    if not found:
        raise TwinError(f"{recordings}: no recordings", remedy="install the whole distribution again")
    live = Plan(
        gateway_id=LIVE_ID,
        sensor=HostSensor(name="host", rate_hz=_LIVE_RATE_HZ),
        calibration_scans=_LIVE_CALIBRATION_SCANS,
    )
    return [live, *(_replay(index, found) for index in range(count - 1))]


def _replay(index: int, recordings: list[Path]) -> Plan:
    path, turn = recordings[-1 - index % len(recordings)], index // len(recordings)
    suffix = f"-{turn + 1}" if turn else ""
    return Plan(
        gateway_id=f"replay-{path.stem.replace('_', '-')}{suffix}",
        sensor=ReplaySensor(name="host", path=str(path), speed=_REPLAY_SPEED, loop=True),
        calibration_scans=_REPLAY_CALIBRATION_SCANS,
        fault=path.stem,
    )
