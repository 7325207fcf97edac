"""Puts the update machine together from a gateway's document."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from contract.jobs import Kind
from device_agent.config import GatewayConfig
from device_agent.config.fleet_update import UpdateConfig
from device_agent.fleet.update.acts import Acts
from device_agent.fleet.update.download import Downloads, Limits
from device_agent.fleet.update.machine import Machine
from device_agent.fleet.update.orders import UPDATE_FOLDER
from device_agent.fleet.update.parts import Bounds, Helpers
from device_agent.fleet.update.port import Probe, Target, Trust
from device_agent.fleet.update.preparing import Preparing
from device_agent.fleet.update.quiet import Quietly
from device_agent.fleet.update.replacing import Replacing
from device_agent.fleet.update.source import Access

UPDATE_THREAD: Final = "update"


def update_machine(
    config: GatewayConfig,
    state_dir: Path,
    *,
    trust: Trust,
    targets: Mapping[Kind, Target],
    probe: Probe,
    episode_open: Callable[[], bool],
) -> Machine:
    """The machine of a gateway.

    Args:
        config: Its document.
        state_dir: For what must survive; orders, the journal and downloads lie in its folder ``update``.
        trust: What a bundle is worth.
        targets: By the kinds that are updated here.
        probe: Whether the work goes on.
        episode_open: Whether one is open now.
    """
    wanted = config.fleet.update
    helpers = Helpers(
        trust=trust,
        targets=targets,
        probe=probe,
        quiet=Quietly(wanted.window, wanted.defer_limit_s, episode_open),
        fetch=Downloads(_access(wanted), Limits(wanted.max_bundle_bytes, wanted.spare_bytes, wanted.slowest_bytes_s)),
    )
    bounds = Bounds(wanted.download_within_s, wanted.max_unpacked_bytes, wanted.spare_bytes)
    return machine_of(state_dir / UPDATE_FOLDER, helpers, bounds)


def machine_of(
    folder: Path, helpers: Helpers, bounds: Bounds, *, monotonic_s: Callable[[], float] = time.monotonic
) -> Machine:
    """A machine over a folder."""
    downloads = folder / "download"
    acts = Acts(
        Preparing(downloads, helpers, bounds, monotonic_s=monotonic_s),
        Replacing(downloads, helpers, bounds, monotonic_s=monotonic_s),
    )
    return Machine(folder, acts, look_every_s=bounds.look_every_s, monotonic_s=monotonic_s)


def in_thread(machine: Machine, stop: threading.Event) -> threading.Thread:
    """The machine at work beside what else a process does; join it after ``stop`` is set."""
    thread = threading.Thread(target=machine.work, args=[stop], name=UPDATE_THREAD)
    thread.start()
    return thread


def _access(wanted: UpdateConfig) -> Access:
    host, _, port = wanted.proxy.removeprefix("http://").rpartition(":")
    return Access(Path(wanted.ca_file) if wanted.ca_file else None, (host, int(port)) if host else None)
