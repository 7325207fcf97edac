"""thresher recalibrate: makes a sensor's filter learn anew what is normal.

The running process hears of it within a second, or with its next scan; one that is stopped, at its next start. Until
the filter has watched ``filter.calibration_scans`` scans it says nothing about the sensor.
"""

import argparse
from pathlib import Path

import msgspec

from device_agent import config as configuration
from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError
from device_agent.filters.wishes import ask_anew, calibration_file


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` prints.

    Attributes:
        sensors: Those that calibrate again.
    """

    sensors: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's document (YAML)")
    parser.add_argument("--sensor", action="append", default=[], help="its name; may be given again (default: all)")
    parser.add_argument("--json", action="store_true", help="print what was asked as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Leaves a request for each sensor; see the module."""
    config = configuration.load(arguments.config)
    sensors = _chosen(config, arguments.sensor)
    for sensor in sensors:
        try:
            ask_anew(calibration_file(Path(config.state_dir), sensor))
        except OSError as exc:
            raise ConfigError(
                f"state_dir {config.state_dir}: {exc.strerror or exc}",
                remedy="run it as the user that runs the gateway, after its first start",
            ) from exc
    if arguments.json:
        print(msgspec.json.encode(Asked(sensors=sensors)).decode())
    else:
        print(f"calibrates again: {', '.join(sensors)}")
    return 0


def _chosen(config: GatewayConfig, wanted: list[str]) -> list[str]:
    names = [sensor.name for sensor in config.sensors]
    if unknown := sorted(set(wanted) - set(names)):
        raise ConfigError(f"no sensor is named `{unknown[0]}`", remedy=f"use one of: {', '.join(names)}")
    return [name for name in names if not wanted or name in wanted]
