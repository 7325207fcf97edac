"""thresher spool status: what a gateway holds and has not yet seen stored."""

import argparse
import contextlib
import json
from pathlib import Path

from device_agent import config as configuration
from device_agent.errors import ConfigError
from device_agent.spool.sqlite import SqliteSpool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("what", choices=["status"], help="status: pending events and the watermark of each lane")
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Prints the spool's state; safe beside running processes."""
    path = Path(configuration.load(arguments.config).state_dir) / "spool.sqlite3"
    if not path.exists():
        raise ConfigError(f"{path}: there is no spool yet", remedy="start `thresher run` once, or check state_dir")
    with contextlib.closing(SqliteSpool(path)) as spool:
        pending, stored, counters = spool.pending(), spool.stored(), spool.counters()
        spool_id = spool.spool_id
    if arguments.json:
        print(json.dumps({"spool_id": spool_id, "pending": pending, "stored": stored, "counters": counters}))
        return 0
    print(f"spool {spool_id}")
    for lane, waiting in pending.items():
        print(f"  {lane:10s} {waiting:8d} pending   stored through {stored[lane]}")
    for name, count in counters.items():
        print(f"  {name}: {count}")
    return 0
