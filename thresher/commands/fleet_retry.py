"""Tries a rollout again with the gateways that failed: a rollout of its own, planned as the first was."""

import argparse
import importlib
import time

from device_agent.errors import ThresherError
from thresher.commands.fleet_rollout import NEEDS, add_common, look_on
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("rollout", help="its id")
    parser.add_argument("--no-watch", action="store_true", help="start it and return")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Starts it, looks on."""
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        rollouts = importlib.import_module("operations.fleet.rollouts")
        found = rollouts.standing(stack, arguments.rollout)
        names = rollouts.failed(found)
        if not names:
            raise ThresherError(f"{arguments.rollout}: nobody failed", remedy="see `thresher fleet status`")
        retrying = importlib.import_module("operations.fleet.retrying")
        plan = retrying.again(rollouts.read_plan(stack, arguments.rollout), names, now_ms=time.time_ns() // 1_000_000)
        rollouts.start(stack, plan)
        return 0 if arguments.no_watch else look_on(stack, plan.rollout_id, arguments)
