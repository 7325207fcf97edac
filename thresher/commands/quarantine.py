"""thresher quarantine: what the cloud did not understand, and what its queue gave up on.

list     every row of quarantine, with its reason
export   the same with their bytes, one JSON object a line
retry    send them through ingest once more (after a fix)
redrive  send the dead-letter queue's messages to ingest again (after an outage)
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from thresher.operating import operating

if TYPE_CHECKING:
    from operations.quarantine import Kept
    from operations.stack import Stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("what", choices=["list", "export", "retry", "redrive"], help="see above")
    parser.add_argument("--stack", default="thresher", help="name of the deployed stack (default: thresher)")
    parser.add_argument("--gateway", default="", help="only of this gateway")
    parser.add_argument("--output", type=Path, help="export: write to this file instead of standard output")
    parser.add_argument("--again", action="store_true", help="retry: also what was sent again before")
    parser.add_argument("--limit", type=int, default=10_000, help="redrive: at most so many messages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Does one of them; the endpoint and credentials are those of the environment."""
    with operating("operations.stack", remedy="pip install '.[operations]' in a checkout"):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        return _DO[arguments.what](stack, arguments)


def _rows(stack: "Stack", arguments: argparse.Namespace) -> "list[Kept]":
    quarantine = importlib.import_module("operations.quarantine")
    return sorted(quarantine.kept(stack, gateway_id=arguments.gateway), key=lambda row: (row.stored_ms, row.sk))


def _list(stack: "Stack", arguments: argparse.Namespace) -> int:
    rows = _rows(stack, arguments)
    if arguments.json:
        shown = [{name: value for name, value in msgspec.to_builtins(row).items() if name != "data"} for row in rows]
        print(json.dumps({"quarantined": shown}))
        return 0
    for row in rows:
        place = (
            f"{row.lane} {row.first_seq} (+{row.count - 1}) of spool {row.spool_id}" if row.first_seq else "no sequence"
        )
        print(f"{row.gateway_id:20s} {place}: {row.reason}{'  [sent again]' if row.retried_ms else ''}")
    print(f"{len(rows)} in quarantine")
    return 0


def _export(stack: "Stack", arguments: argparse.Namespace) -> int:
    rows = _rows(stack, arguments)
    text = "".join(msgspec.json.encode(row).decode() + "\n" for row in rows)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
        print(json.dumps({"exported": len(rows)}) if arguments.json else f"{len(rows)} rows in {arguments.output}")
    else:
        sys.stdout.write(text)
    return 0


def _retry(stack: "Stack", arguments: argparse.Namespace) -> int:
    quarantine = importlib.import_module("operations.quarantine")
    done = quarantine.retry(stack, _rows(stack, arguments), now_ms=time.time_ns() // 1_000_000, again=arguments.again)
    if arguments.json:
        print(msgspec.json.encode(done).decode())
        return 0
    print(f"{done.sent} sent again")
    for skipped in done.skipped:
        print(f"  not {skipped.sk}: {skipped.reason}")
    return 0


def _redrive(stack: "Stack", arguments: argparse.Namespace) -> int:
    done = importlib.import_module("operations.dead_letters").redrive(stack, limit=arguments.limit)
    print(msgspec.json.encode(done).decode() if arguments.json else f"{done.moved} sent again, {done.left} notes left")
    return 0


_DO = {"list": _list, "export": _export, "retry": _retry, "redrive": _redrive}
