"""How gateways did before and since an update, read from the table: silence, restarts, alerts, false alarms.

A gateway on the new version counts from when it said so; before that, and everybody else, counts as the old version.
Silence is counted up to the last word of anybody: while nobody at all is heard, for a few minutes, it is the cloud's
own outage, and says nothing of a version. Of each side at most ``MAX_LOOKED_AT`` gateways are looked at, the same ones.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from cloud_functions.core.fleet import DEFAULT_INTERVAL_MS, MISSED_INTERVALS
from cloud_functions.core.keys import SHARDS, alert_key, label_key
from cloud_functions.core.people import Alert, LabelRow
from cloud_functions.core.ports import Span, Table
from cloud_functions.core.rollout.judging import Standing
from cloud_functions.core.rollout.rates import Rate
from cloud_functions.core.rows import GatewayRow, WatermarkRow
from cloud_functions.core.shape import health_of

MAX_LOOKED_AT: Final = 200
OUTAGE_MS: Final = 300_000
"""When nobody was heard for so long, it is no longer taken for an outage of the cloud's own."""
SETTLE_MS: Final = 10_000
"""A job is told to be done a moment after the new version began."""


class Comparison(NamedTuple):
    """Both sides; ``unheard_ms`` is how long ago anybody was heard."""

    new: Standing
    old: Standing
    unheard_ms: int


class Life(NamedTuple):
    """What the fleet's rows say of one gateway, Unix milliseconds: last heard of, how patient one is, sensing since."""

    seen_ms: int
    patience_ms: int
    started_ms: int | None


class _Told(NamedTuple):
    alerts: int
    false_alarms: int


def stand(table: Table, since: Mapping[str, int], *, begun_ms: int, baseline_ms: int, now_ms: int) -> Comparison:
    """Compares.

    Args:
        table: Where gateways' rows are.
        since: By updated gateway: when it said that it has the new version.
        begun_ms: When the rollout began; the old version's past is counted from ``baseline_ms`` before.
        baseline_ms: See above.
        now_ms: The cloud's time.
    """
    lives = _lives(table)
    heard_ms = max((life.seen_ms for life in lives.values()), default=now_ms)
    until_ms = heard_ms if now_ms - heard_ms < OUTAGE_MS else now_ms
    updated = {name: since[name] for name in chosen(since)}
    others = chosen(name for name in lives if name not in since)
    first_ms = begun_ms - baseline_ms
    new_told = [_told(table, name, from_ms=ms, to_ms=now_ms) for name, ms in updated.items()]
    old_told = [_told(table, name, from_ms=first_ms, to_ms=ms) for name, ms in updated.items()]
    old_told += [_told(table, name, from_ms=first_ms, to_ms=now_ms) for name in others]
    new_ms = sum(now_ms - ms for ms in updated.values())
    old_ms = sum(ms - first_ms for ms in updated.values()) + (now_ms - first_ms) * len(others)
    beginning = dict.fromkeys(others, begun_ms)
    return Comparison(
        _standing(lives, updated, new_told, exposure_ms=new_ms, until_ms=until_ms),
        _standing(lives, beginning, old_told, exposure_ms=old_ms, until_ms=until_ms),
        unheard_ms=now_ms - heard_ms,
    )


def chosen(names: Iterable[str]) -> list[str]:
    """At most so many of them, by a stable hash, so that no rack or alphabet is preferred."""
    return sorted(names, key=lambda name: (zlib.crc32(name.encode()), name))[:MAX_LOOKED_AT]


def _standing(
    lives: Mapping[str, Life], since: Mapping[str, int], told: list[_Told], *, exposure_ms: int, until_ms: int
) -> Standing:
    nobody = Life(0, DEFAULT_INTERVAL_MS * MISSED_INTERVALS, None)
    known = {name: lives.get(name, nobody) for name in since}
    return Standing(
        gateways=len(since),
        silent=sum(until_ms - max(life.seen_ms, since[name]) > life.patience_ms for name, life in known.items()),
        restarted=sum(
            life.started_ms is not None and life.started_ms > since[name] + SETTLE_MS for name, life in known.items()
        ),
        alerts=Rate(sum(one.alerts for one in told), exposure_ms),
        false_alarms=Rate(sum(one.false_alarms for one in told), exposure_ms),
    )


def _lives(table: Table) -> dict[str, Life]:
    seen: dict[str, int] = {}
    health: dict[str, GatewayRow] = {}
    for row in (row for shard in range(SHARDS) for row in table.query(Span(f"F#{shard}"))):
        if isinstance(row, GatewayRow):
            health[row.gateway_id] = row
            seen[row.gateway_id] = max(seen.get(row.gateway_id, 0), row.broker_ms)
        elif isinstance(row, WatermarkRow):
            seen[row.gateway_id] = max(seen.get(row.gateway_id, 0), row.last_seen_ms)
    return {name: _life(seen_ms, health.get(name)) for name, seen_ms in seen.items()}


def _life(seen_ms: int, row: GatewayRow | None) -> Life:
    said = health_of(row)
    if row is None or said is None:
        return Life(seen_ms, DEFAULT_INTERVAL_MS * MISSED_INTERVALS, None)
    # by the broker's clock it is too late where the message waited, by the gateway's where that runs ahead
    return Life(seen_ms, said.interval_ms * MISSED_INTERVALS, min(row.broker_ms, said.wall_ms) - said.uptime_ms)


def _told(table: Table, gateway_id: str, *, from_ms: int, to_ms: int) -> _Told:
    if to_ms <= from_ms:
        return _Told(0, 0)
    first, last = max(0, from_ms), max(0, to_ms - 1)
    low, high = alert_key(gateway_id, first, ""), alert_key(gateway_id, last, "~")
    alerts = [row for row in table.query(Span(low.pk, low.sk, high.sk)) if isinstance(row, Alert)]
    if not alerts:
        return _Told(0, 0)
    span = Span(label_key(gateway_id, first, "").pk, label_key(gateway_id, first, "").sk, f"{last:013d}#~")
    labels = [row for row in table.query(span) if isinstance(row, LabelRow)]
    return _Told(len(alerts), sum(row.label == "false" for row in labels))
