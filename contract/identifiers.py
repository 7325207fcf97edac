"""Deterministic identifiers: the same thing named twice gets the same name."""

from contract.events import Lane


def event_id(gateway_id: str, spool_id: str, lane: Lane, seq: int) -> str:
    """Names one event for ever, whatever happens to the gateway's storage or clock."""
    return f"{gateway_id}.{spool_id}.{lane}.{seq}"


def episode_id(gateway_id: str, boot_id: str, sensor: str, onset_monotonic_ms: int) -> str:
    """Names one episode: a sensor cannot begin two deviations in the same millisecond of one boot."""
    return f"{gateway_id}.{sensor}.{boot_id[:8]}.{onset_monotonic_ms}"
