"""Readings that gateways reported by exception, unpacked, over the last minutes.

Not here: how they are chosen and packed (``contract.readings.Report``, ``contract.traces``).
"""

from typing import Final

from msgspec.structs import replace

from cloud_functions.core.detail import MINUTE_MS, blocks_between, events_of
from cloud_functions.core.fleet import is_alive
from cloud_functions.core.places import line
from cloud_functions.core.ports import Table
from cloud_functions.core.views import ReportedView, ReportsView
from contract.errors import ContractError
from contract.readings import Report, Reported
from contract.traces import readings_of

MAX_READINGS: Final = 100_000
"""About 3 MB; a function may answer with 6 MB (AWS Lambda quotas)."""

_WAITED_MS: Final = 60 * MINUTE_MS
"""A reading may wait so long for company, and is then in a block that began before it."""


def reports(table: Table, gateway_id: str, *, minutes: int, now_ms: int) -> ReportsView:
    """What one gateway and those whose place it took reported, by sensor and channel, in the order of time."""
    from_ms = now_ms - minutes * MINUTE_MS
    blocks = (
        block
        for name in reversed([*line(table, gateway_id)])
        for block in blocks_between(table, name, "summaries", first_ms=from_ms - _WAITED_MS, last_ms=now_ms)
    )
    found: dict[tuple[str, str], list[ReportedView]] = {}
    read = left_out = 0
    for report in events_of((block for block in blocks if is_alive(block, now_ms)), Report):
        for name, told in report.channels.items():
            view = _unpacked(report, name, told)
            kept = _since(view, from_ms) if view else None
            held = len(kept.values) if kept else told.readings
            if kept is None or read + held > MAX_READINGS:
                left_out += held
                continue
            read += held
            found.setdefault((report.sensor, name), []).append(kept)
    channels = [_joined(views) for _, views in sorted(found.items())]
    return ReportsView(gateway_id=gateway_id, from_ms=from_ms, to_ms=now_ms, channels=channels, left_out=left_out)


def _unpacked(report: Report, name: str, told: Reported) -> ReportedView | None:
    """One channel of a report; ``None`` where its bytes do not hold what it says."""
    try:
        times = readings_of(told.times, told.readings)
        values = readings_of(told.values, told.readings)
    except ContractError:
        return None
    return ReportedView(
        sensor=report.sensor,
        channel=name,
        unit=told.values.unit,
        mode=told.mode,
        width=told.width,
        times_ms=[round(report.wall_ms + (time or 0), 3) for time in times],
        values=values,
    )


def _since(view: ReportedView, from_ms: int) -> ReportedView:
    kept = [i for i, at in enumerate(view.times_ms) if at >= from_ms]
    times, values = [view.times_ms[i] for i in kept], [view.values[i] for i in kept]
    return replace(view, times_ms=times, values=values)


def _joined(views: list[ReportedView]) -> ReportedView:
    """One channel's readings; mode and width are the latest."""
    pairs = [pair for view in views for pair in zip(view.times_ms, view.values, strict=True)]
    pairs.sort(key=lambda pair: pair[0])
    return replace(views[-1], times_ms=[at for at, _ in pairs], values=[value for _, value in pairs])
