"""Rolls a signed bundle out: canaries, then wave after wave, each only when the one before did well.

A workflow in the cloud does it and goes on by itself; this command plans it, starts it and looks on. Ctrl-C looks away.
`--dry-run` prints the plan: every request to IoT Jobs, to the letter.
"""

import argparse
import getpass
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_agent.errors import ThresherError
from thresher.operating import operating

if TYPE_CHECKING:
    from contract.rollout import Plan
    from operations.fleet.releases import Shipped
    from operations.fleet.rollouts import Standing
    from operations.fleet.settings import Settings
    from operations.stack import Stack

NEEDS = "pip install '.[operations]' in a checkout"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--bundle", type=Path, required=True, help="the signed bundle")
    back = parser.add_mutually_exclusive_group(required=True)
    back.add_argument("--back", type=Path, help="the previous version, signed as an exception to go back to")
    back.add_argument("--no-way-back", action="store_true", help="an abort only stops; who has it keeps it")
    parser.add_argument("--target", action="append", required=True, metavar="THING|group/NAME", help="whom; repeatable")
    parser.add_argument("--id", default="", help="name of the rollout (default: from kind, version and time)")
    parser.add_argument("--force", action="store_true", help="also while an episode is open and outside windows")
    _add_pace(parser)
    _add_bounds(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan and create nothing")
    parser.add_argument("--no-watch", action="store_true", help="start it and return")
    add_common(parser)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What all commands about rollouts take."""
    parser.add_argument("--stack", default="thresher", help="name of the deployed stack (default: thresher)")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def _add_pace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--canaries", default="5%", metavar="N|PERCENT", help="how many begin (default: 5%%)")
    parser.add_argument("--rate", default="10:200", metavar="FIRST:MOST", help="gateways told in a minute (10:200)")
    parser.add_argument("--soak", type=int, default=3600, metavar="SECONDS", help="a wave must do well so long (3600)")
    parser.add_argument("--deadline", type=int, default=86_400, metavar="SECONDS", help="a wave waits so long (86400)")
    parser.add_argument("--quorum", type=float, default=80.0, metavar="PERCENT", help="must have it by then (80)")
    parser.add_argument("--poll", type=int, default=0, metavar="SECONDS", help="judged so often (as often as can be)")
    parser.add_argument("--timeout", type=int, default=60, metavar="MINUTES", help="for one gateway (60)")
    parser.add_argument("--retries", type=int, default=0, metavar="N", help="of a gateway that failed (0)")
    parser.add_argument("--window", action="append", default=[], metavar="'cron(…)/MINUTES'", help="UTC; repeatable")
    parser.add_argument("--start", default="", metavar="YYYY-MM-DDThh:mm", help="UTC, half an hour ahead or more")
    parser.add_argument("--end", default="", metavar="YYYY-MM-DDThh:mm", help="nobody is told after it")


def _add_bounds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-failed", type=float, default=0.0, metavar="PERCENT", help="of a wave (0)")
    parser.add_argument("--max-offline", type=float, default=5.0, metavar="PERCENT", help="more than of the others (5)")
    parser.add_argument("--max-crashed", type=float, default=5.0, metavar="PERCENT", help="more than of the others (5)")
    parser.add_argument("--max-alerts", type=float, default=2.0, metavar="TIMES", help="the old version's rate (2)")
    parser.add_argument("--baseline", type=int, default=86_400, metavar="SECONDS", help="of the past (86400)")


def run(arguments: argparse.Namespace) -> int:
    """Plans, starts, looks on; endpoint and credentials are those of the environment."""
    with operating("operations.stack", remedy=NEEDS):
        stack = importlib.import_module("operations.stack").Stack(arguments.stack)
        releases = importlib.import_module("operations.fleet.releases")
        new = releases.read(arguments.bundle)
        back = None if arguments.no_way_back else releases.read(arguments.back)
        if back:
            releases.check_way_back(new, back)
        plan = _plan(stack, new, back, arguments)
        if arguments.dry_run:
            print(importlib.import_module("contract.rollout").encode_plan(plan).decode())
            return 0
        for bundle in (new, back):
            if bundle:
                releases.upload(stack, bundle)
        importlib.import_module("operations.fleet.rollouts").start(stack, plan)
        print(msgspec.json.encode({"started": plan.rollout_id}).decode() if arguments.json else _started(plan))
        return 0 if arguments.no_watch else look_on(stack, plan.rollout_id, arguments)


def look_on(
    stack: "Stack", rollout_id: str, arguments: argparse.Namespace, until: Sequence[str] = ("done", "aborted", "stuck")
) -> int:
    """Prints every change until it is over; 0 if it ended well, 1 if it was taken back."""
    watching = importlib.import_module("operations.fleet.watching")
    state = "running"
    try:
        for found in watching.watch(stack, rollout_id, every_s=1.0, until=until):
            state = found.state
            show(found, json=arguments.json)
    except KeyboardInterrupt:
        print(f"{rollout_id} goes on without you; `thresher fleet status {rollout_id}` says how", flush=True)
        return 0
    return 0 if state == "done" else 1


def show(found: "Standing", *, json: bool) -> None:
    """One standing, for a machine or a person."""
    if json:
        print(msgspec.json.encode(found).decode(), flush=True)
    else:
        print("\n".join(importlib.import_module("operations.fleet.watching").lines(found)), flush=True)


def _plan(stack: "Stack", new: "Shipped", back: "Shipped | None", arguments: argparse.Namespace) -> "Plan":
    now_ms = time.time_ns() // 1_000_000
    targets = importlib.import_module("operations.fleet.targets")
    planned: Plan = importlib.import_module("operations.fleet.planning").plan(
        targets.resolve(stack, arguments.target, now_ms=now_ms),
        importlib.import_module("operations.fleet.releases").cargo(stack, new, back, force=arguments.force),
        _settings(arguments),
        rollout_id=arguments.id or f"{new.manifest.kind}-{new.manifest.version}-{now_ms // 60_000}".replace(".", "_"),
        by=getpass.getuser(),
        now_ms=now_ms,
    )
    return planned


def _settings(arguments: argparse.Namespace) -> "Settings":
    given = {
        "canaries": arguments.canaries,
        "rate": rate(arguments.rate),
        "failed_percent": max(arguments.max_failed, 10.0),
        "retries": arguments.retries,
        "timeout_minutes": arguments.timeout,
        "soak_seconds": arguments.soak,
        "deadline_seconds": arguments.deadline,
        "quorum_percent": arguments.quorum,
        "baseline_seconds": arguments.baseline,
        "poll_seconds": arguments.poll,
        "windows": arguments.window,
        "start": arguments.start,
        "end": arguments.end,
        "bounds": {
            "failed_percent": arguments.max_failed,
            "offline_percent": arguments.max_offline,
            "crashed_percent": arguments.max_crashed,
            "alert_factor": arguments.max_alerts,
        },
    }
    kind = importlib.import_module("operations.fleet.settings").Settings
    try:
        settings: Settings = msgspec.convert(given, kind)
    except msgspec.ValidationError as exc:
        raise ThresherError(f"rollout: {exc}", remedy="`thresher fleet rollout --help` says what each may be") from exc
    return settings


def rate(text: str) -> tuple[int, int]:
    """``10:200`` as first and most."""
    first, _, most = text.partition(":")
    if not (first.isdecimal() and (most or first).isdecimal()):
        raise ThresherError(f"--rate {text}", remedy="give FIRST:MOST, gateways in a minute, e.g. 10:200")
    return int(first), int(most or first)


def _started(plan: "Plan") -> str:
    waves = ", ".join(f"{wave.name} {wave.gateways}" for wave in plan.waves)
    return f"rollout {plan.rollout_id} started: {waves}; judged every {plan.poll_seconds} s"
