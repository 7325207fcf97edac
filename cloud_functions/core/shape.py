"""Rows made of what gateways sent.

Merging phases: an episode's row is the phase of the highest rank, ``opened < updated < closed`` and among
updates the longest, so any order of delivery ends in the same row. Its alert follows the same rule; whichever
phase arrives first creates it, hence exactly one.
"""

from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET

from cloud_functions.core.keys import Key, alert_key, block_key, episode_key, fleet_key, loss_key, notice_key
from cloud_functions.core.people import Alert
from cloud_functions.core.rows import MAX_WALL_MS, Block, Counter, EpisodeRow, GatewayRow, LossRow, NoticeRow
from cloud_functions.core.sift import Notice, Sifted
from contract.codec import decode_event, encode_event
from contract.envelope import Envelope
from contract.errors import ContractError
from contract.events import Episode, Loss
from contract.health import Health

SEVERITIES: Final = ("minor", "major", "critical")
_PHASES: Final = {"opened": 0, "updated": 1, "closed": 2}
_CRITICAL: Final = 4.0
_MAJOR: Final = 2.0
_DAY_MS: Final = 86_400_000
_REASONS: Final = frozenset(
    ("quota", "age", "too large", "refused", "corrupt", "disk", "budget", "shed", "foreign hardware", "forgotten")
)

_Told = TypeVar("_Told", LossRow, NoticeRow)


class Retention(NamedTuple):
    """How many days rows stay: blocks and quarantine, episodes and alerts."""

    block_days: int
    episode_days: int


def expiry(now_ms: int, days: int) -> int:
    """Unix seconds so many days from now, by the cloud's clock: a gateway's may be wrong."""
    return (now_ms + days * _DAY_MS) // 1000


def block_row(envelope: Envelope, sifted: Sifted, *, now_ms: int, days: int) -> Block:
    """The envelope as a row."""
    pk, sk = block_key(envelope, sifted.wall_ms)
    return Block(
        pk=pk,
        sk=sk,
        gateway_id=envelope.gateway_id,
        spool_id=envelope.spool_id,
        boot_id=envelope.boot_id,
        lane=envelope.lane,
        first_seq=envelope.first_seq,
        count=len(envelope.events),
        body=sifted.body,
        stored_ms=now_ms,
        declared=msgspec.json.encode(envelope.declared).decode() if envelope.declared else UNSET,
        quarantined=len(sifted.bad) or UNSET,
        expires_at=expiry(now_ms, days),
    )


def same_block(one: Block, other: Block) -> bool:
    """Whether two blocks of one key hold the same; when they were stored does not matter."""
    return (one.count, one.body, one.declared) == (other.count, other.body, other.declared)


def rank(episode: Episode) -> int:
    """Orders the phases of one episode; larger is later."""
    return _PHASES[episode.phase] * (MAX_WALL_MS + 1) + episode.duration_ms


def severity(peak_score: float) -> str:
    """``critical`` from 4 times the alarm threshold, ``major`` from twice, else ``minor``."""
    if peak_score >= _CRITICAL:
        return "critical"
    return "major" if peak_score >= _MAJOR else "minor"


def episode_row(gateway_id: str, episode: Episode, *, expires_at: int) -> EpisodeRow:
    """The episode as a row."""
    pk, sk = episode_key(gateway_id, episode.onset_wall_ms, episode.episode_id)
    return EpisodeRow(
        pk=pk,
        sk=sk,
        gateway_id=gateway_id,
        episode_id=episode.episode_id,
        phase=episode.phase,
        wall_ms=episode.wall_ms,
        rank=rank(episode),
        body=encode_event(episode).decode(),
        expires_at=expires_at,
    )


def alert_row(gateway_id: str, episode: Episode, *, expires_at: int) -> Alert:
    """The episode's alert; an open one stands in the index of open alerts too."""
    pk, sk = alert_key(gateway_id, episode.onset_wall_ms, episode.episode_id)
    is_closed = episode.phase == "closed"
    return Alert(
        pk=pk,
        sk=sk,
        alert_id=episode.episode_id,
        gateway_id=gateway_id,
        sensor=episode.sensor,
        episode_id=episode.episode_id,
        state="closed" if is_closed else "open",
        opened_ms=episode.onset_wall_ms,
        closed_ms=episode.wall_ms if is_closed else UNSET,
        severity=episode.severity if episode.severity in SEVERITIES else severity(episode.peak_score),
        top_channel=episode.top_channel,
        reason=episode.reason,
        peak_score=round(episode.peak_score, 6),
        rank=rank(episode),
        open_pk=None if is_closed else pk,
        open_sk=None if is_closed else sk,
        expires_at=expires_at,
    )


def gateway_row(envelope: Envelope, health: Health, *, broker_ms: int) -> GatewayRow:
    """The gateway's latest Health as a row."""
    pk, sk = fleet_key(envelope.gateway_id, "health")
    return GatewayRow(
        pk=pk,
        sk=sk,
        gateway_id=envelope.gateway_id,
        boot_id=envelope.boot_id,
        broker_ms=broker_ms,
        body=encode_event(health).decode(),
    )


def health_of(row: GatewayRow | None) -> Health | None:
    """The Health in a row, if this version understands it."""
    try:
        event = decode_event(row.body.encode()) if row else None
    except ContractError:
        return None
    return event if isinstance(event, Health) else None


def loss_row(envelope: Envelope, seq: int, loss: Loss, *, expires_at: int) -> LossRow:
    """The loss as a row; ``seq`` is the event's own."""
    key = loss_key(envelope.gateway_id, loss.wall_ms, envelope.spool_id, seq)
    return _told(LossRow, key, envelope.gateway_id, loss, expires_at=expires_at)


def notice_row(envelope: Envelope, seq: int, notice: Notice, *, expires_at: int) -> NoticeRow:
    """The notice as a row; ``seq`` is the event's own."""
    key = notice_key(envelope.gateway_id, notice.wall_ms, envelope.spool_id, seq)
    return _told(NoticeRow, key, envelope.gateway_id, notice, expires_at=expires_at)


def _told(kind: type[_Told], key: Key, gateway_id: str, event: Loss | Notice, *, expires_at: int) -> _Told:
    body = encode_event(event).decode()
    return kind(pk=key.pk, sk=key.sk, gateway_id=gateway_id, wall_ms=event.wall_ms, body=body, expires_at=expires_at)


def lost_counter(gateway_id: str, loss: Loss) -> Counter:
    """Adds what a loss says was given up; a reason nobody knows counts as ``other``, so that counters stay few."""
    reason = loss.reason if loss.reason in _REASONS else "other"
    pk, sk = fleet_key(gateway_id, f"lost#{loss.of_lane}#{reason}")
    return Counter(pk=pk, sk=sk, gateway_id=gateway_id, count=loss.count or 0, of_lane=loss.of_lane, reason=reason)
