"""thresher fleet: keys, bundles and what is done with them."""

import argparse
import importlib
from typing import Final, NamedTuple


class Subcommand(NamedTuple):
    """Where a subcommand lives. Its module has ``add_arguments(parser)`` and ``run(arguments) -> int``."""

    name: str
    help: str

    @property
    def module(self) -> str:
        """Of the subcommand."""
        return f"thresher.commands.fleet_{self.name.replace('-', '_')}"


SUBCOMMANDS: Final[tuple[Subcommand, ...]] = (
    Subcommand("keys", "make keys and the root documents that say which are trusted"),
    Subcommand("bundle", "make a bundle from a folder"),
    Subcommand("sign", "sign a bundle or a root document"),
    Subcommand("verify", "check a bundle as a gateway does"),
    Subcommand("install", "install a bundle from a file, on the gateway itself"),
    Subcommand("lint-job", "check job documents before they are sent"),
    Subcommand("rollout", "roll a signed bundle out: canaries first, the rest when they do well"),
    Subcommand("status", "how rollouts stand, failures grouped by their reason"),
    Subcommand("abort", "take a rollout back"),
    Subcommand("retry", "try the gateways again that failed"),
    Subcommand("allow", "let a device come by claim, by its serial number"),
    Subcommand("retire", "take a gateway out of service; its history stays"),
    Subcommand("replace", "put a new gateway in the place of another, whose history it continues"),
    Subcommand("groups", "dynamic groups of gateways by site and by version"),
    Subcommand("deploy", "revise what Greengrass has on a thing or group"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What each subcommand takes; their modules import what they need when they run."""
    whats = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for one in SUBCOMMANDS:
        module = importlib.import_module(one.module)
        sub = whats.add_parser(
            one.name,
            help=one.help,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        module.add_arguments(sub)


def run(arguments: argparse.Namespace) -> int:
    """Does one of them."""
    chosen = next(one for one in SUBCOMMANDS if one.name == arguments.what)
    status: int = importlib.import_module(chosen.module).run(arguments)
    return status
