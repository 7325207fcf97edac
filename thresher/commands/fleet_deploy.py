"""Revises what Greengrass has on a thing or group: everything it has stays, but for what is asked.

Shows the difference first. The nucleus keeps its version, our components' access rules are reset, failures roll back.
"""

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_agent.errors import ThresherError
from thresher.commands.fleet_rollout import NEEDS, rate
from thresher.operating import operating

if TYPE_CHECKING:
    from operations.fleet.revision import Change


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--target", required=True, metavar="THING|group/NAME|ARN", help="whose deployment")
    parser.add_argument("--component", action="append", default=[], metavar="NAME=VERSION", help="repeatable")
    parser.add_argument(
        "--configuration", action="append", default=[], metavar="NAME=FILE", help="JSON to merge; repeatable"
    )
    parser.add_argument("--remove", action="append", default=[], metavar="NAME", help="a component that goes")
    parser.add_argument("--rate", default="10:200", metavar="FIRST:MOST", help="devices told in a minute (10:200)")
    parser.add_argument("--max-failed", type=float, default=10.0, metavar="PERCENT", help="then it stops (10)")
    parser.add_argument("--timeout", type=int, default=60, metavar="MINUTES", help="for one device (60)")
    parser.add_argument("--dry-run", action="store_true", help="show the difference and create nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Shows the difference, creates the deployment; endpoint and credentials are those of the environment."""
    with operating("operations.stack", remedy=NEEDS):
        make = importlib.import_module("boto3").client
        greengrass = importlib.import_module("operations.fleet.greengrass")
        revision = importlib.import_module("operations.fleet.revision")
        client = make("greengrassv2")
        seen = greengrass.current(client, greengrass.target_arn(make, arguments.target))
        revised = revision.revise(seen, _change(arguments))
        lines = list(revision.difference(seen, revised))
        created = "" if arguments.dry_run else greengrass.create(client, revised, seen=seen)
        if arguments.json:
            said = {"difference": lines, "request": revised, "deployment_id": created}
            print(msgspec.json.encode(said).decode())
            return 0
        for line in lines:
            print(f"{line.sign} {line.component}: " + " -> ".join(one for one in (line.before, line.after) if one))
        print(f"deployment {created}" if created else "nothing created")
        return 0


def _change(arguments: argparse.Namespace) -> "Change":
    merges = {name: _read(Path(path)) for name, path in map(_pair, arguments.configuration)}
    change: Change = importlib.import_module("operations.fleet.revision").Change(
        versions=dict(map(_pair, arguments.component)),
        merges=merges,
        removed=arguments.remove,
        rate=rate(arguments.rate),
        failed_percent=arguments.max_failed,
        timeout_minutes=arguments.timeout,
    )
    return change


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (name and found and value):
        raise ThresherError(f"{text!r}", remedy="give NAME=VERSION or NAME=FILE")
    return name, value


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as exc:
        raise ThresherError(f"{path}: {exc.strerror}", remedy="give a file of JSON") from exc
