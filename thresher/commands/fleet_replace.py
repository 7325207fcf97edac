"""Puts a new gateway in the place of an old one: the query API shows the old one's history under the new name.

The new gateway is provisioned first, under a name of its own; the old one is retired. Asks before.
"""

import argparse
import importlib
import time

from thresher.commands.fleet_retire import add_asking, demand, show
from thresher.commands.fleet_rollout import NEEDS
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("old", help="the gateway that goes")
    parser.add_argument("new", help="the gateway that continues its history")
    add_asking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Asks, replaces, retires the old one."""
    demand(f"{arguments.new} takes the place of {arguments.old}, which is retired. Go on?", arguments)
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        places = importlib.import_module("operations.fleet.places")
        now_ms = time.time_ns() // 1_000_000
        show(places.replace(stack, arguments.old, arguments.new, now_ms=now_ms), arguments)
    return 0
