"""thresher agent: forward the spool to the cloud, forget what the cloud has stored."""

import argparse
from pathlib import Path

from device_agent import config as configuration
from device_agent.agent import run_agent
from device_agent.logs import configure_logging
from device_agent.supervisor import stop_on_signals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")


def run(arguments: argparse.Namespace) -> int:
    """Forwards until SIGTERM or SIGINT."""
    configure_logging()
    stop = stop_on_signals()
    run_agent(configuration.load(arguments.config), stop)
    return 0
