"""Dynamic groups of gateways, which jobs and rollouts may target.

index    has AWS IoT index what the groups ask for (registry, connectivity, shadow `state`); it is billed by the update
site     the gateways of a site:            thresher fleet groups site hall-2
version  the gateways that run a version:   thresher fleet groups version 1.4.0
"""

import argparse
import importlib

import msgspec

from device_agent.errors import ThresherError
from thresher.commands.fleet_rollout import NEEDS, add_common
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("by", choices=["index", "site", "version"], help="see above")
    parser.add_argument("value", nargs="?", default="", help="of the site or the version")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Does one of them."""
    if (arguments.by == "index") == bool(arguments.value):
        raise ThresherError(f"groups {arguments.by}", remedy="`index` takes no value, the others take one")
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        groups = importlib.import_module("operations.fleet.groups")
        if arguments.by == "index":
            groups.index(stack)
            print("fleet indexing: registry and shadow `state`")
            return 0
        group = groups.make(stack, arguments.by, arguments.value)
    if arguments.json:
        print(msgspec.json.encode(group).decode())
    else:
        print(f"{group.name}: {'made' if group.made else 'was there'}: {group.query}")
    return 0
