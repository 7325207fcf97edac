"""thresher run: sense, filter, condense, and keep what matters on disk."""

import argparse
from pathlib import Path

from device_agent import config as configuration
from device_agent.logs import configure_logging
from device_agent.sensing import run_sensing
from device_agent.supervisor import stop_on_signals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    parser.add_argument("--ledger", type=Path, help="append a JSON line for every accepted event (for harnesses)")


def run(arguments: argparse.Namespace) -> int:
    """Senses until SIGTERM or SIGINT."""
    configure_logging()
    stop = stop_on_signals()
    run_sensing(configuration.load(arguments.config), stop, ledger=arguments.ledger)
    return 0
