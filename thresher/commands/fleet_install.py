"""Install a bundle from a file, without a cloud: on the gateway itself, by the same checks as by a job.

`thresher supervise` must run there; it verifies, stages, waits for the window, puts the version in use, watches it and
goes back if it must. Interrupting this command takes the order back.
Exit status: 0 it is in use, 1 it is not; the error says why.
"""

import argparse
import sys
import time
from pathlib import Path

from device_agent import config as configuration
from device_agent.errors import UpdateError
from device_agent.fleet.update.offline import install, offline_order
from device_agent.fleet.update.orders import UPDATE_FOLDER, FileUpdates
from device_agent.fleet.update.port import Phase
from thresher.fleet_options import add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the file")
    parser.add_argument(
        "--config", type=Path, default=Path("gateway.yaml"), help="of this gateway (default: gateway.yaml)"
    )
    parser.add_argument("--force", action="store_true", help="also in an open episode and outside the window")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Installs it."""
    config = configuration.load(arguments.config)
    order = offline_order(arguments.bundle, force=arguments.force, wall_ms=time.time_ns() // 1_000_000)
    updates = FileUpdates(Path(config.state_dir) / UPDATE_FOLDER)
    outcome = install(updates, order, tell=_tell)
    if outcome.status != "SUCCEEDED":
        raise UpdateError(f"{arguments.bundle}: {outcome.status}: {outcome.reason}")
    bundle = order.bundle
    text = f"{bundle.kind} {bundle.name} {bundle.version} is in use"
    show(arguments, text, order=order.order_id, status=outcome.status, **outcome.details)
    return 0


def _tell(phase: Phase, detail: str) -> None:
    print(f"{phase} {detail}".rstrip(), file=sys.stderr, flush=True)
