"""Takes a gateway out of service: certificates off, groups left, its serial number forbidden. Its history stays.

Asks before; a second time does nothing more.
"""

import argparse
import importlib
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from device_agent.errors import ThresherError
from thresher.commands.fleet_rollout import NEEDS, add_common
from thresher.operating import operating

if TYPE_CHECKING:
    from operations.fleet.places import Retired


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("gateway", help="its name")
    add_asking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Asks, and retires."""
    demand(f"{arguments.gateway} can never connect again with what it has. Retire it?", arguments)
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        places = importlib.import_module("operations.fleet.places")
        show(places.retire(stack, arguments.gateway, now_ms=time.time_ns() // 1_000_000), arguments)
    return 0


def add_asking(parser: argparse.ArgumentParser) -> None:
    """What commands take that cannot be taken back."""
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_common(parser)


def demand(question: str, arguments: argparse.Namespace) -> None:
    """Goes on only after a yes.

    Raises:
        ThresherError: A no, or nobody there to ask.
    """
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise ThresherError("nobody is there to ask", remedy="give --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ThresherError("nothing was done", remedy="answer y")


def show(done: "Retired", arguments: argparse.Namespace) -> None:
    """What was done."""
    if arguments.json:
        print(msgspec.json.encode(done).decode())
        return
    print(f"{done.gateway_id}: retired, {len(done.certificates)} certificates off, {len(done.groups)} groups left")
