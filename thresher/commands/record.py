<<<<<<< HEAD
"""thresher record: record a sensor into a CSV file that the replay sensor plays."""

import argparse
import sys
=======
"""thresher record: write what a sensor measures into a CSV file that the ``replay`` sensor plays."""

import argparse
import math
import sys
from collections.abc import Callable
>>>>>>> filter
from pathlib import Path

import msgspec

from device_agent import config as configuration
<<<<<<< HEAD
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
=======
from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError
from device_agent.logs import configure_logging
from device_agent.recorder import record
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.supervisor import stop_on_signals

_BAR_CELLS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    parser.add_argument("--sensor", help="which of its sensors; may be left out where there is only one")
    parser.add_argument("--seconds", type=float, required=True, help="how long; Ctrl-C ends it early and keeps it")
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to be")
>>>>>>> filter
    parser.add_argument("--json", action="store_true", help="print what was recorded as one JSON object")


def run(arguments: argparse.Namespace) -> int:
<<<<<<< HEAD
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
=======
    """Records until the time is over or Ctrl-C."""
    configure_logging()
    sensor = chosen(configuration.load(arguments.config), arguments.sensor)
    stop, seconds = stop_on_signals(), arguments.seconds
    if not 0 < seconds < math.inf:
        raise ConfigError(f"--seconds {seconds:g}: no length to record", remedy="give a number of seconds above 0")
    bar = progress_bar(round(seconds * sensor.describe().rate_hz)) if sys.stderr.isatty() else None
    recorded = record(sensor, seconds, arguments.output, stop=stop, progress=bar)
    if bar:
        print(file=sys.stderr)
    if arguments.json:
        print(msgspec.json.encode(recorded).decode())
    else:
        print(f"{arguments.output}: {recorded.scans} scans, {recorded.gaps} gaps, {recorded.bytes} bytes")
    return 0


def chosen(config: GatewayConfig, name: str | None) -> AnySensorConfig:
    """The sensor of that name, or the only one there is.

    Raises:
        ConfigError: No such sensor, or none named where there are several.
    """
    found = [sensor for sensor in config.sensors if name in {None, sensor.name}]
    if len(found) == 1:
        return found[0]
    said = f"--sensor {name}: no such sensor" if name else "several sensors"
    names = ", ".join(sensor.name for sensor in config.sensors)
    raise ConfigError(said, remedy=f"name one with --sensor: {names}")


def progress_bar(total: int) -> Callable[[int], None]:
    """Draws on stderr how far it is, once per hundredth."""

    def draw(done: int) -> None:
        if done % max(1, total // 100) == 0:
            filled = min(_BAR_CELLS, done * _BAR_CELLS // total)
            bar = "#" * filled + "." * (_BAR_CELLS - filled)
            print(f"\r[{bar}] {done} of {total} scans", end="", file=sys.stderr, flush=True)

    return draw
>>>>>>> filter
