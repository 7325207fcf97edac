"""The spool of a gateway, as its document says: the same file for whoever appends and whoever forwards."""

from pathlib import Path
from typing import Final

from contract.envelope import MAX_ENVELOPE_BYTES
from device_agent.config import GatewayConfig
from device_agent.spool.limits import limits_of
from device_agent.spool.sqlite import SqliteSpool

SPOOL_FILE: Final = "spool.sqlite3"


def spool_path(config: GatewayConfig) -> Path:
    """Where it lies."""
    return Path(config.state_dir) / SPOOL_FILE


def open_spool(config: GatewayConfig, hardware: str) -> SqliteSpool:
    """Opens or begins it on a machine with this fingerprint."""
    return SqliteSpool(
        spool_path(config),
        limits=limits_of(config.spool),
        reserve_bytes=config.spool.reserve_bytes,
        max_envelope_bytes=config.uplink.envelope_bytes() if config.uplink else MAX_ENVELOPE_BYTES,
        hardware=hardware,
    )
