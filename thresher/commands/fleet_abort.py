"""Takes a rollout back: its jobs are cancelled, and the previous version goes to every gateway that was touched."""

import argparse
import importlib

from thresher.commands.fleet_rollout import NEEDS, add_common, look_on
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("rollout", help="its id")
    parser.add_argument("--reason", default="aborted by the operator", help="why, for whoever reads it later")
    parser.add_argument("--no-watch", action="store_true", help="start it and return")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Aborts, looks on; 0 when it is aborted, which is what was asked for."""
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        importlib.import_module("operations.fleet.rollouts").abort(stack, arguments.rollout, reason=arguments.reason)
        if not arguments.no_watch:
            look_on(stack, arguments.rollout, arguments, until=("aborted", "stuck"))
        return 0
