"""thresher config: what a gateway's document may hold, and what layers make of one.

``schema`` prints JSON Schema for editors. ``show`` prints the one document that the layers give, each value with the
file it comes from.
"""

import argparse
import json
from pathlib import Path

import msgspec

from device_agent import config as configuration
from device_agent.config.origins import origins_of
from device_agent.config.schema import schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    whats = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    of_schema = whats.add_parser("schema", help="JSON Schema of a gateway's document")
    of_schema.add_argument("--layer", action="store_true", help="of a layer below one: nothing is required")
    showing = whats.add_parser("show", help="every value in force, and where it comes from")
    showing.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    showing.add_argument("--json", action="store_true", help="print one JSON array")
    for one in (of_schema, showing):
        one.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Prints one of the two."""
    if arguments.what == "schema":
        print(json.dumps(schema(layer=arguments.layer), indent=2))
        return 0
    values = origins_of(configuration.load_layers(arguments.config))
    if arguments.json:
        print(msgspec.json.encode(values).decode())
        return 0
    width = max(len(each.place) for each in values)
    for each in values:
        over = f", over {', '.join(each.over)}" if each.over else ""
        print(f"{each.place:<{width}}  {json.dumps(each.value)}  ({each.source}{over})")
    return 0
