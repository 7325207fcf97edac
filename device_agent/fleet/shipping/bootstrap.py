"""The shipper of a gateway, where its document asks for one."""

from collections.abc import Callable, Iterator
from pathlib import Path

from contract.topics import logs_topic
from device_agent.budget import Budget
from device_agent.config import GatewayConfig
from device_agent.fleet.shipping.shipper import BUDGET_FILE, Shipper
from device_agent.fleet.shipping.sources import Journal, LogFile, Source
from device_agent.machine import Machine
from device_agent.uplink.port import Uplink


def shipping(config: GatewayConfig, machine: Machine) -> Iterator[Callable[[Uplink], Shipper]]:
    """Made once there is a connection to use."""
    logs, folder, clock = config.fleet.logs, Path(config.state_dir), machine.clock
    if not logs.monthly_bytes or not (logs.units or logs.files) or config.uplink is None:
        return
    sources: list[Source] = [LogFile(Path(each), clock.wall_ms) for each in logs.files]
    if logs.units:
        sources.append(Journal(logs.units))
    budget = Budget(logs.monthly_bytes, keep_alive_s=config.uplink.keep_alive_s, clock=clock, path=folder / BUDGET_FILE)
    topic = logs_topic(config.gateway, config.uplink.rule)
    yield lambda uplink: Shipper(
        uplink,
        config.gateway,
        logs,
        sources=sources,
        folder=folder,
        budget=budget,
        wall_ms=clock.wall_ms,
        topic=topic,
    )
