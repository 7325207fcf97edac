"""Lets a device come under a name, once: its serial number, until it has come. Again for a device whose key is new.

thresher fleet allow S-0042 --gateway press-3 --site hall-2
thresher fleet allow S-0042 --forbid
"""

import argparse
import importlib

import msgspec

from device_agent.errors import ThresherError
from thresher.commands.fleet_rollout import NEEDS, add_common
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("serial", help="the device's serial number")
    parser.add_argument("--gateway", default="", help="what it will be called")
    parser.add_argument("--site", default="", help="where it stands")
    parser.add_argument("--forbid", action="store_true", help="it may not come any more")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes it."""
    if not arguments.forbid and not arguments.gateway:
        raise ThresherError("allow: under which name?", remedy="give --gateway")
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        serials = importlib.import_module("operations.fleet.serials")
        if arguments.forbid:
            row = serials.forbid(stack, arguments.serial)
        else:
            row = serials.allow(stack, arguments.serial, gateway_id=arguments.gateway, site=arguments.site)
    if arguments.json:
        print(msgspec.json.encode(row).decode())
    else:
        print(f"{row.serial}: {'may come as ' + row.gateway_id if row.allowed else 'may not come'}")
    return 0
