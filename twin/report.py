"""What a demo says at its end, as one JSON object (a contract) and as a table, and whether it is good.

``gateways[]``: ``id``, ``samples`` (channel values taken), ``windows`` (scored), ``events`` (accepted), ``stored``,
``lost``, ``duplicates``, ``declared``, ``unknown`` (see ``twin.reckoning``), ``raw_bytes`` (the same readings as
compact JSON), ``sent_bytes`` (payloads published, re-sends included), ``alerts`` (delivered), ``armed_after_ms``
(how long sensing ran until its filters were armed, ``null`` if they never were).
``alerts``, ``notifications[]``: how many were delivered, and each. ``latency_ms``: see ``twin.reckoning.Latency``.
``lost``, ``duplicates``, ``quarantined``: over everything.
"""

from collections.abc import Sequence

import msgspec

from twin.display import size
from twin.inbox import Alert
from twin.reckoning import Latency


class GatewayReport(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway's row; see the module."""

    id: str
    samples: int
    windows: int
    events: int
    stored: int
    lost: int
    duplicates: int
    declared: int
    unknown: int
    raw_bytes: int
    sent_bytes: int
    alerts: int
    armed_after_ms: int | None


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole; see the module.

    Attributes:
        seconds: How long all gateways ran.
        start_s: From the command until all gateways ran.
        gateways: One row each.
        alerts: How many notifications were delivered.
        notifications: Each of them.
        latency_ms: Sample to stored.
        lost: Over all gateways.
        duplicates: Over all gateways.
        quarantined: Messages and events in the table's quarantine.
    """

    seconds: float
    start_s: float
    gateways: Sequence[GatewayReport]
    alerts: int
    notifications: Sequence[Alert]
    latency_ms: Latency
    lost: int
    duplicates: int
    quarantined: int


def shortcomings(report: DemoReport, *, faulty: Sequence[str], alert_due: bool) -> list[str]:
    """Why the demo must not be called good; empty when it may.

    Args:
        report: Its report.
        faulty: Ids of the gateways whose recordings hold a fault.
        alert_due: Whether it ran long enough for a replayed fault.
    """
    found = [
        f"{row.id}: {row.lost} events lost, {row.duplicates} stored twice, {row.unknown} stored but never accepted"
        for row in report.gateways
        if row.lost or row.duplicates or row.unknown
    ]
    found += [f"{row.id}: no event was accepted" for row in report.gateways if not row.events]
    if alert_due and not any(alert.gateway_id in faulty for alert in report.notifications):
        found.append(f"no alert came from the replayed faults of {', '.join(faulty)}")
    return found


def table(report: DemoReport) -> list[str]:
    """The report for a person, at most 80 columns wide."""
    titles = ("samples", "events", "stored", "lost", "twice", "alerts", "raw → sent")
    lines = [_line("gateway", titles)]
    for row in report.gateways:
        counts = (row.samples, row.events, row.stored, row.lost, row.duplicates, row.alerts)
        sizes = f"{size(row.raw_bytes)} → {size(row.sent_bytes)}"
        lines.append(_line(row.id, [*map(str, counts), sizes]))
    latency = report.latency_ms
    lines.append(
        f"lost {report.lost}, duplicates {report.duplicates}, quarantined {report.quarantined}, "
        f"alerts {report.alerts}, sample to stored p50 {latency.p50} ms, p99 {latency.p99} ms"
    )
    return lines


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name[:20]:20s}{cells[0]:>8s}" + "".join(f"{cell:>7s}" for cell in cells[1:-1]) + f"{cells[-1]:>20s}"
