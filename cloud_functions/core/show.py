"""What people look at, kept up to date from stored events: episodes, alerts, losses, notices, each gateway's Health.

Of a batch only what would remain is written: an episode's latest phase, a gateway's latest Health. The rest is
in the blocks. An alert follows ``opened`` and ``closed``; an ``updated`` only creates it, in case it overtook
``opened``.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from cloud_functions.core.identity import Evidence, identity_alert
from cloud_functions.core.keys import Key, episode_key
from cloud_functions.core.ports import Clock, Table
from cloud_functions.core.receive import Arrival
from cloud_functions.core.rows import GatewayRow
from cloud_functions.core.shape import (
    alert_row,
    episode_row,
    expiry,
    gateway_row,
    health_of,
    loss_row,
    lost_counter,
    notice_row,
    rank,
)
from contract.events import Episode
from contract.health import Health

_IDENTITY_DAYS: Final = 2
"""How long an identity's alert stands: its own day, and one more."""


class Show:
    """Shows one gateway's arrivals.

    Args:
        table: Where to.
        clock: The cloud's time.
        episode_days: How long episodes and alerts stay.
    """

    def __init__(self, table: Table, clock: Clock, *, episode_days: int) -> None:
        self._table = table
        self._clock = clock
        self._episode_days = episode_days

    def show(self, gateway_id: str, arrivals: Sequence[Arrival]) -> int:
        """Shows them; returns how many episodes were written. Raises ``StoreError``."""
        by_episode = phases(gateway_id, arrivals)
        for group in by_episode.values():
            self._episode(gateway_id, group)
        for arrival in arrivals:
            self._losses(arrival)
            self._notices(arrival)
        self._health(arrivals)
        return len(by_episode)

    def alarm(self, gateway_id: str, found: Evidence) -> None:
        """Tells that two devices use one identity. Raises ``StoreError``."""
        expires_at = expiry(found.wall_ms, _IDENTITY_DAYS)
        self._table.insert(identity_alert(gateway_id, found, expires_at=expires_at))

    def _losses(self, arrival: Arrival) -> None:
        expires_at = expiry(self._clock(), self._episode_days)
        for seq, loss in arrival.sifted.losses:
            row = loss_row(arrival.envelope, seq, loss, expires_at=expires_at)
            self._table.insert(row, counter=lost_counter(arrival.envelope.gateway_id, loss))

    def _notices(self, arrival: Arrival) -> None:
        expires_at = expiry(self._clock(), self._episode_days)
        for seq, notice in arrival.sifted.notices:
            self._table.insert(notice_row(arrival.envelope, seq, notice, expires_at=expires_at))

    def _episode(self, gateway_id: str, group: list[Episode]) -> None:
        expires_at = expiry(self._clock(), self._episode_days)
        latest = max(group, key=rank)
        self._table.merge(episode_row(gateway_id, latest, expires_at=expires_at), rank="rank")
        turns = [episode for episode in group if episode.phase != "updated"]
        if turns:
            alert = alert_row(gateway_id, max(turns, key=rank), expires_at=expires_at)
            self._table.merge(alert, rank="rank")
        else:
            self._table.insert(alert_row(gateway_id, latest, expires_at=expires_at))

    def _health(self, arrivals: Iterable[Arrival]) -> None:
        if latest := _latest(arrivals):
            arrival, health = latest
            row = gateway_row(arrival.envelope, health, broker_ms=arrival.broker_ms)
            self._table.merge(row, rank="broker_ms")


def latest_health(row: GatewayRow | None, arrivals: Iterable[Arrival]) -> Health | None:
    """A gateway's latest Health: among the arrivals, or in its row."""
    latest = _latest(arrivals)
    if latest and (row is None or latest[0].broker_ms >= row.broker_ms):
        return latest[1]
    return health_of(row)


def _latest(arrivals: Iterable[Arrival]) -> tuple[Arrival, Health] | None:
    latest: tuple[Arrival, Health] | None = None
    for arrival in arrivals:
        for event in arrival.sifted.good:
            if isinstance(event, Health) and (latest is None or arrival.broker_ms >= latest[0].broker_ms):
                latest = (arrival, event)
    return latest


def phases(gateway_id: str, arrivals: Iterable[Arrival]) -> dict[Key, list[Episode]]:
    """The episode events of these arrivals by episode."""
    found: dict[Key, list[Episode]] = {}
    for arrival in arrivals:
        for event in arrival.sifted.good:
            if isinstance(event, Episode):
                key = episode_key(gateway_id, event.onset_wall_ms, event.episode_id)
                found.setdefault(key, []).append(event)
    return found
