"""thresher agent: forward the spool to the cloud, forget what the cloud has stored.

A changed document is taken within seconds, or refused with its place; SIGHUP makes it look at once.
"""

import argparse
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from device_agent.agent import run_agent
from device_agent.config import GatewayConfig, load_layers
from device_agent.config.reading import SHADOW_FILE
from device_agent.crew import Stage, what_forwarding_needs
from device_agent.desired import Desired, Judge
from device_agent.fleet.access.record import RECORD_FILE, Record
from device_agent.fleet.access.tunnel import Tunnel
from device_agent.fleet.bootstrap import Ground, open_jobs
from device_agent.fleet.identity.own import own_rotation
from device_agent.fleet.identity.store import store_of
from device_agent.fleet.identity.turn import settle
from device_agent.fleet.shipping.bootstrap import shipping
from device_agent.fleet.update.orders import UPDATE_FOLDER, FileUpdates
from device_agent.fleet.visibility.showing import Shown, showing
from device_agent.logs import configure_logging
from device_agent.machine import this_machine
from device_agent.reloading import FileChanges, Watched, serve
from device_agent.sampling.describing import describe
from device_agent.supervisor import look_on_hangup, stop_on_signals
from device_agent.uplink.beside import Beside
from device_agent.uplink.port import Uplink


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")


def run(arguments: argparse.Namespace) -> int:
    """Forwards until SIGTERM or SIGINT."""
    configure_logging()
    stop, look = stop_on_signals(), look_on_hangup()
    loaded = load_layers(arguments.config)
    changes = FileChanges(arguments.config, loaded)

    def judge(desired: Mapping[str, Any]) -> None:
        describe(load_layers(arguments.config, desired=desired).config)

    def forward(config: GatewayConfig, halt: threading.Event) -> None:
        stands = FileUpdates(Path(config.state_dir) / UPDATE_FOLDER).look
        record = Record(Path(config.state_dir) / RECORD_FILE, this_machine().clock.wall_ms)
        said = showing(config, this_machine(), Shown(lambda: changes.in_use, stands, tunnel=record.last))
        others = (
            *heed_shadow(config, judge),
            *heed_jobs(config),
            *heed_tunnels(config, record),
            *said,
            *shipping(config, this_machine()),
        )
        settle(store_of(config))  # before the first connection
        run_agent(config, halt, beside=others)

    serve(Stage("forward", what_forwarding_needs, forward), Watched(loaded, changes, look), stop)
    return 0


def heed_shadow(config: GatewayConfig, judge: Judge) -> Iterator[Callable[[Uplink], Beside]]:
    """What hears the thing's shadow, where the document names one."""
    uplink = config.uplink
    if uplink is not None and (name := uplink.shadow):
        path = Path(config.state_dir) / SHADOW_FILE
        yield lambda link: Desired(link, config.gateway, name, path=path, judge=judge)


def heed_jobs(config: GatewayConfig) -> Iterator[Callable[[Uplink], Beside]]:
    """What carries out the thing's jobs, unless the document says otherwise."""
    if config.fleet.jobs.enabled:
        yield lambda link: open_jobs(
            Ground(config, Path(config.state_dir), this_machine(), link), own_rotation(config, link)
        )


def heed_tunnels(config: GatewayConfig, record: Record) -> Iterator[Callable[[Uplink], Beside]]:
    """What opens a way in from afar, or refuses it with a record; closed unless the document says otherwise."""
    fleet = config.fleet
    yield lambda _: Tunnel(config.gateway, fleet.tunnel, fleet.commands, record)
