"""The table's rows and the keys they lie under: one table, flat rows, ``kind`` in each.

kind        pk                      sk                                            of
block       B#<gateway>#<yyyymmdd>  <lane>#<wall_ms 13>#<spool>#<first_seq 12>    one envelope's events
episode     E#<gateway>             <onset_wall_ms 13>#<episode>                  its latest phase
alert       A#<shard>               <gateway>#<onset_wall_ms 13>#<episode>        one per episode
gateway     F#<shard>               <gateway>#health                              its latest Health
watermark   F#<shard>               <gateway>#lane#<lane>#<spool>                 what is stored of a lane
counter     F#<shard>               <gateway>#quarantined                         how many, ever
quarantine  Q#<shard>               <gateway>#<hash or sequence>                  bytes nobody understood

A key is made of the content alone, so storing a thing twice is storing it once. No key is a date alone:
all gateways would write to one partition. A shard is a stable hash of the gateway's name. Fields left
``UNSET`` are not written; ``None`` takes a field away.

Not here: how rows reach a database (``cloud_functions.adapters``).
"""

import zlib
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from contract.envelope import Envelope
from contract.events import Lane

SHARDS: Final = 4
"""A partition takes 1,000 writes a second (DynamoDB developer guide), so four take 4,000 messages a second.
A question about the whole fleet reads all of them."""
MAX_WALL_MS: Final = 9_999_999_999_999
"""13 digits: the year 2286. A later time is a broken clock."""
MAX_SEQUENCE: Final = 999_999_999_999
"""12 digits: a thousand events a second for thirty years."""
OPEN_ALERTS: Final = "open-alerts"
"""Name of the index that holds open alerts only (see ``template.yaml``)."""


class Key(NamedTuple):
    """Where a row lies."""

    pk: str
    sk: str


class Row(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every row carries.

    Attributes:
        pk: Partition key.
        sk: Sort key.
        expires_at: Unix seconds after which it is gone; the table deletes it up to days later.
    """

    pk: str
    sk: str
    expires_at: int | UnsetType = UNSET

    @property
    def key(self) -> Key:
        """Where it lies."""
        return Key(self.pk, self.sk)


class Block(Row, frozen=True, kw_only=True, tag="block"):
    """One envelope as it came: ``body`` is a JSON array of its events, ``null`` for a quarantined one."""

    gateway_id: str
    spool_id: str
    boot_id: str
    lane: Lane
    first_seq: int
    count: int
    body: str
    stored_ms: int
    declared: str | UnsetType = UNSET
    quarantined: int | UnsetType = UNSET


class EpisodeRow(Row, frozen=True, kw_only=True, tag="episode"):
    """An episode's latest phase; ``rank`` orders phases, ``body`` is the Episode's JSON."""

    gateway_id: str
    episode_id: str
    phase: str
    wall_ms: int
    rank: int
    body: str


AlertState = Literal["open", "closed"]


class Alert(Row, frozen=True, kw_only=True, tag="alert"):
    """What a person is told about one episode. ``open_pk`` and ``open_sk`` exist while it is open."""

    alert_id: str
    gateway_id: str
    sensor: str
    episode_id: str
    state: AlertState
    opened_ms: int
    severity: str
    top_channel: str
    reason: str
    peak_score: float
    rank: int
    closed_ms: int | UnsetType = UNSET
    notified_ms: int | UnsetType = UNSET
    open_pk: str | UnsetType | None = UNSET
    open_sk: str | UnsetType | None = UNSET


class Notified(Row, frozen=True, kw_only=True, tag="alert"):
    """The part of an alert that says it was sent; written alone."""

    notified_ms: int


class GatewayRow(Row, frozen=True, kw_only=True, tag="gateway"):
    """A gateway's latest Health; ``body`` is its JSON, ``broker_ms`` when the broker received it."""

    gateway_id: str
    boot_id: str
    broker_ms: int
    body: str


class WatermarkRow(Row, frozen=True, kw_only=True, tag="watermark"):
    """What of one lane and spool is stored.

    Attributes:
        version: Rises by one with every write; two writers cannot both win.
        through: Everything up to and including this sequence is stored.
        pending: Ranges stored above it, JSON ``[[first, last], …]``.
        last_seen_ms: Latest broker time of a message in it.
        replied_ms: When the gateway was last told; 0 for never.
        replied_through: What it was told.
    """

    gateway_id: str
    spool_id: str
    lane: Lane
    version: int
    through: int
    pending: str
    last_seen_ms: int
    replied_ms: int = 0
    replied_through: int = 0


class Counter(Row, frozen=True, kw_only=True, tag="counter"):
    """How often something happened to a gateway's messages."""

    gateway_id: str
    count: int


class Quarantine(Row, frozen=True, kw_only=True, tag="quarantine"):
    """Bytes that were not understood, base64, with the reason. ``gateway_id`` is what the topic said."""

    gateway_id: str
    reason: str
    data: str
    stored_ms: int


AnyRow = Block | EpisodeRow | Alert | GatewayRow | WatermarkRow | Counter | Quarantine


def shard(gateway_id: str) -> int:
    """Which of the shards a gateway belongs to; for ever the same."""
    return zlib.crc32(gateway_id.encode()) % SHARDS


def day(wall_ms: int) -> str:
    """``yyyymmdd`` in UTC."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y%m%d")


def block_key(envelope: Envelope, wall_ms: int) -> Key:
    """Of the envelope whose first event happened at ``wall_ms``."""
    place = f"{envelope.lane}#{wall_ms:013d}#{envelope.spool_id}#{envelope.first_seq:012d}"
    return Key(f"B#{envelope.gateway_id}#{day(wall_ms)}", place)


def episode_key(gateway_id: str, onset_wall_ms: int, episode_id: str) -> Key:
    """Of an episode."""
    return Key(f"E#{gateway_id}", f"{onset_wall_ms:013d}#{episode_id}")


def alert_key(gateway_id: str, onset_wall_ms: int, episode_id: str) -> Key:
    """Of an episode's alert; in the index of open alerts the sort key is the same."""
    return Key(f"A#{shard(gateway_id)}", f"{gateway_id}#{onset_wall_ms:013d}#{episode_id}")


def fleet_key(gateway_id: str, what: str) -> Key:
    """Of a row about the gateway: ``what`` is ``health``, ``quarantined`` or ``lane#<lane>#<spool>``."""
    return Key(f"F#{shard(gateway_id)}", f"{gateway_id}#{what}")
