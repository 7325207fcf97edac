"""thresher: an edge-to-cloud device agent.

Commands are listed in one table and loaded only when they are called: a gateway never imports what it does not run.
Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from device_agent.errors import ConfigError, ThresherError


class Command(NamedTuple):
    """Where a command lives. Its module has ``add_arguments(parser)`` and ``run(arguments) -> int``."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("demo", "thresher.commands.demo", "run the whole system on this machine"),
    Command("run", "thresher.commands.run", "sense, filter and spool (one gateway)"),
    Command("agent", "thresher.commands.agent", "forward the spool to the cloud (one gateway)"),
    Command("provision", "thresher.commands.provision", "give this gateway its own certificate, by claim"),
    Command("supervise", "thresher.commands.supervise", "keep run and agent running, and carry their updates"),
    Command("doctor", "thresher.commands.doctor", "can this gateway work on this machine? says what to do"),
    Command("config", "thresher.commands.config", "show where each value comes from, or the schema for editors"),
    Command(
        "simulate", "thresher.commands.simulate", "run gateways whose sensors are simulated, and say what they found"
    ),
    Command("record", "thresher.commands.record", "record a sensor into a CSV file"),
    Command("score", "thresher.commands.score", "say row by row what the filter thinks of a recording"),
    Command("recalibrate", "thresher.commands.recalibrate", "make a sensor's filter learn anew what is normal"),
    Command("components", "thresher.commands.components", "check, stage and guard Greengrass components"),
    Command("quarantine", "thresher.commands.quarantine", "show, keep and retry what the cloud did not understand"),
    Command("labels", "thresher.commands.labels", "show, export and take back what people said of episodes"),
    Command("nucleus", "thresher.commands.nucleus", "run Greengrass components without a Greengrass nucleus"),
    Command("fleet", "thresher.commands.fleet", "keys, signed bundles, and what the fleet does with them"),
    Command("spool", "thresher.commands.spool", "show what a gateway holds and has not yet seen stored"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((command for command in COMMANDS if command.name in arguments[:1]), None)
    parser = _parser(chosen)
    parsed = parser.parse_args(arguments)
    if chosen is None:
        parser.print_help()
        return 2
    module = importlib.import_module(chosen.module)
    return _reporting(module.run, parsed)


def _parser(chosen: Command | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="thresher", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if command is chosen:
            importlib.import_module(command.module).add_arguments(sub)
    return parser


def _reporting(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    try:
        return run(arguments)
    except ThresherError as exc:
        if arguments.debug:
            raise
        print(f"error: {exc}", file=sys.stderr)
        if exc.remedy:
            print(f"try: {exc.remedy}", file=sys.stderr)
        return 2 if isinstance(exc, ConfigError) else 1
