"""thresher run: sense, filter, condense, and keep what matters on disk.

A changed document is taken within seconds, or refused with its place; SIGHUP makes it look at once.
"""

import argparse
import threading
from pathlib import Path

from device_agent.config import GatewayConfig, load_layers
from device_agent.crew import Stage, what_sensing_needs
from device_agent.logs import configure_logging
from device_agent.reloading import FileChanges, Watched, serve
from device_agent.sensing import Parts, run_sensing
from device_agent.supervisor import look_on_hangup, stop_on_signals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    parser.add_argument("--ledger", type=Path, help="append a JSON line for every accepted event (for harnesses)")


def run(arguments: argparse.Namespace) -> int:
    """Senses until SIGTERM or SIGINT."""
    configure_logging()
    stop, look = stop_on_signals(), look_on_hangup()
    loaded = load_layers(arguments.config)
    changes = FileChanges(arguments.config, loaded)

    def sense(config: GatewayConfig, halt: threading.Event) -> None:
        run_sensing(config, halt, ledger=arguments.ledger, parts=Parts(beside=changes.notice))

    serve(Stage("sense", what_sensing_needs, sense), Watched(loaded, changes, look), stop)
    return 0
