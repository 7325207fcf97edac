"""What gateways run, and how rollouts stand: all, or one by its waves, with failures grouped by their reason."""

import argparse
import importlib

import msgspec

from thresher.commands.fleet_rollout import NEEDS, add_common, look_on, show
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("rollout", nargs="?", default="", help="one of them; all without it")
    parser.add_argument("--watch", action="store_true", help="look on until it is over")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints; exits with 1 where the one asked for was taken back or is stuck."""
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        rollouts = importlib.import_module("operations.fleet.rollouts")
        if arguments.rollout and arguments.watch:
            return look_on(stack, arguments.rollout, arguments)
        if arguments.rollout:
            found = rollouts.standing(stack, arguments.rollout)
            show(found, json=arguments.json)
            return 1 if found.state in ("aborted", "stuck") else 0
        listed = list(rollouts.standings(stack))
        running = importlib.import_module("operations.fleet.running").versions(stack)
        if arguments.json:
            print(msgspec.json.encode({"running": running, "rollouts": listed}).decode())
            return 0
        for kind, counts in running.items():
            print(f"{kind}: " + (", ".join(f"{count} on {version}" for version, count in counts.items()) or "unknown"))
        for found in listed:
            print(f"{found.rollout_id:40s} {found.what} {found.release}: {found.state}, {found.reason}")
        print(f"{len(listed)} rollouts")
        return 0
