"""Lets a device come under a name, once: its serial number, until it has come. Again for a device whose key is new.

thresher fleet allow S-0042 --gateway press-3 --site hall-2
thresher fleet allow S-0042 --gateway press-3 --core --role-alias GreengrassV2TokenExchangeRoleAlias
thresher fleet allow S-0042 --forbid
"""

import argparse
import importlib
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from device_agent.errors import ThresherError
from thresher.commands.fleet_rollout import NEEDS, add_common
from thresher.operating import operating

if TYPE_CHECKING:
    from operations.fleet.serials import Serial
    from operations.stack import Stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("serial", help="the device's serial number")
    parser.add_argument("--gateway", default="", help="what it will be called")
    parser.add_argument("--site", default="", help="where it stands")
    parser.add_argument("--forbid", action="store_true", help="it may not come any more")
    parser.add_argument("--core", action="store_true", help="it is a Greengrass core: it gets a policy of its own")
    parser.add_argument("--role-alias", default="", help="with --core: gives its components AWS credentials")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes it."""
    if not arguments.forbid and not arguments.gateway:
        raise ThresherError("allow: under which name?", remedy="give --gateway")
    if arguments.core != bool(arguments.role_alias):
        raise ThresherError("allow: --core and --role-alias go together", remedy="give both for a Greengrass core")
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        serials = importlib.import_module("operations.fleet.serials")
        row = serials.forbid(stack, arguments.serial) if arguments.forbid else _allow(stack, serials, arguments)
    if arguments.json:
        print(msgspec.json.encode(row).decode())
    else:
        print(f"{row.serial}: {'may come as ' + row.gateway_id if row.allowed else 'may not come'}")
    return 0


def _allow(stack: "Stack", serials: ModuleType, arguments: argparse.Namespace) -> "Serial":
    policy = ""
    if arguments.core:
        cores = importlib.import_module("operations.fleet.cores")
        policy = cores.make_policy(stack, arguments.gateway, role_alias=arguments.role_alias)
    row: Serial = serials.allow(
        stack, arguments.serial, gateway_id=arguments.gateway, site=arguments.site, policy=policy
    )
    return row
