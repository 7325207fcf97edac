"""thresher record: record a sensor into a CSV file that the replay sensor plays."""

import argparse
import sys
from pathlib import Path

import msgspec

from device_agent import config as configuration
from device_agent.errors import ConfigError
from device_agent.recorder import record
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.sensors.host import HostSensor
from device_agent.supervisor import stop_on_signals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, help="a gateway's document (default: this machine's host sensor)")
    parser.add_argument("--sensor", help="which of its sensors (default: the first)")
    parser.add_argument("--rate", type=float, default=10.0, help="scans a second without --config")
    parser.add_argument("--seconds", type=float, required=True, help="how long")
    parser.add_argument("--output", type=Path, required=True, help="the recording; replaced when it is whole")
    parser.add_argument("--json", action="store_true", help="print what was recorded as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Records until the time is over, or less after Ctrl-C."""
    if arguments.seconds <= 0:
        raise ConfigError(f"--seconds {arguments.seconds:g}", remedy="use a positive number of seconds")
    progress = _Progress(arguments.seconds)
    recorded = record(
        _chosen(arguments),
        arguments.seconds,
        arguments.output,
        stop=stop_on_signals(),
        progress=progress.show if sys.stderr.isatty() else None,
    )
    if arguments.json:
        print(msgspec.json.encode(recorded).decode())
    else:
        print(f"{arguments.output}: {recorded.scans} scans, {recorded.gaps} gaps, {recorded.missed} missed")
    return 0


def _chosen(arguments: argparse.Namespace) -> AnySensorConfig:
    if arguments.config is None:
        return HostSensor(name="host", rate_hz=arguments.rate)
    sensors = configuration.load(arguments.config).sensors
    if arguments.sensor is None:
        return sensors[0]
    named = {sensor.name: sensor for sensor in sensors}
    if arguments.sensor not in named:
        raise ConfigError(f"--sensor {arguments.sensor}: not in {arguments.config}", remedy=f"use {', '.join(named)}")
    return named[arguments.sensor]


class _Progress:
    """One line on a terminal."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def show(self, scans: int) -> None:
        """Draws it anew."""
        print(f"\r{scans} scans of about {self._seconds:g} s", end="", file=sys.stderr, flush=True)
