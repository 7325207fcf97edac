"""thresher labels: what people said of episodes, as data for training; and back to the calibration.

list    every label, with who said so and when
export  labels and the raw scans around their onsets, laid out for `python -m training.evaluate --data FOLDER`
reset   put every threshold of one gateway back; labels stay
"""

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_agent.errors import ThresherError
from thresher.operating import operating

if TYPE_CHECKING:
    from operations.labels import Labelled
    from operations.stack import Stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("what", choices=["list", "export", "reset"], help="see above")
    parser.add_argument("--stack", default="thresher", help="name of the deployed stack (default: thresher)")
    parser.add_argument("--gateway", default="", help="only of this gateway; reset needs it")
    parser.add_argument("--output", type=Path, default=Path("labelled"), help="export: folder (default: labelled)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Does one of them; the endpoint and credentials are those of the environment."""
    with operating("operations.stack", remedy="pip install '.[operations]' in a checkout"):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        return _DO[arguments.what](stack, arguments)


def _labels(stack: "Stack", arguments: argparse.Namespace) -> "list[Labelled]":
    return list(importlib.import_module("operations.labels").labels(stack, gateway_id=arguments.gateway))


def _list(stack: "Stack", arguments: argparse.Namespace) -> int:
    found = _labels(stack, arguments)
    if arguments.json:
        print(msgspec.json.encode({"labels": found}).decode())
        return 0
    for one in found:
        print(f"{one.gateway_id:20s} {one.episode_id}: {one.label}, {one.top_channel} {one.peak:.2f}, by {one.by}")
    print(f"{len(found)} labels")
    return 0


def _export(stack: "Stack", arguments: argparse.Namespace) -> int:
    made = importlib.import_module("operations.recordings").export(stack, _labels(stack, arguments), arguments.output)
    if arguments.json:
        print(msgspec.json.encode(made).decode())
    else:
        print(f"{made.labels} labels, {made.rows} scans of {made.files} sensors in {arguments.output}")
        print(f"{made.without_scans} without scans")
    return 0


def _reset(stack: "Stack", arguments: argparse.Namespace) -> int:
    if not arguments.gateway:
        raise ThresherError("reset: of which gateway?", remedy="name it with --gateway")
    importlib.import_module("operations.labels").reset(stack, arguments.gateway)
    print(
        msgspec.json.encode({"reset": arguments.gateway}).decode() if arguments.json else f"{arguments.gateway}: reset"
    )
    return 0


_DO = {"list": _list, "export": _export, "reset": _reset}
