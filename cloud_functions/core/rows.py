"""The table's rows: flat, ``kind`` in each. Fields left ``UNSET`` are not written; ``None`` takes a field away.

Not here: rows for people and by them (``people``), under which keys they lie (``keys``), how they reach a database
(``cloud_functions.adapters``).
"""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from cloud_functions.core.keys import Key
from contract.events import Lane

MAX_WALL_MS: Final = 9_999_999_999_999
"""13 digits: the year 2286. A later time is a broken clock."""
MAX_SEQUENCE: Final = 999_999_999_999
"""12 digits: a thousand events a second for thirty years."""


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


class GatewayRow(Row, frozen=True, kw_only=True, tag="gateway"):
    """A gateway's latest Health; ``body`` is its JSON, ``broker_ms`` when the broker received it."""

    gateway_id: str
    boot_id: str
    broker_ms: int
    body: str


class SoftwareRow(Row, frozen=True, kw_only=True, tag="software"):
    """What a gateway last said that it runs; ``body`` is JSON (``software.Reported``)."""

    gateway_id: str
    broker_ms: int
    body: str


class WatermarkRow(Row, frozen=True, kw_only=True, tag="watermark"):
    """What of one lane and spool is stored.

    Attributes:
        version: Rises by one with every write; two writers cannot both win.
        through: Everything up to and including this sequence is stored.
        pending: Ranges stored above it, JSON ``[[first, last], …]``.
        last_seen_ms: Latest broker time of a message in it.
        first_new_ms: Earliest broker time of a message that brought something new; 0 for none.
        last_new_ms: Latest such time.
        moved_ms: When ``through`` last rose, or a hole first appeared above it; by the cloud's clock.
        named_ms: When the gateway was first told of the lowest hole; older than ``moved_ms`` where it was not yet.
        declared: Sequences given up by the gateway, JSON ``{reason: count}``.
        boots: Which boots wrote which sequences, ``[[boot, first, last], …]``; the latest few, of lane ``events`` only.
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
    first_new_ms: int = 0
    last_new_ms: int = 0
    moved_ms: int = 0
    named_ms: int = 0
    declared: str = "{}"
    boots: str = "[]"
    replied_ms: int = 0
    replied_through: int = 0


class Counter(Row, frozen=True, kw_only=True, tag="counter"):
    """How many events of a gateway were quarantined, or given up by it where ``of_lane`` says in which lane."""

    gateway_id: str
    count: int
    of_lane: Lane | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class LossRow(Row, frozen=True, kw_only=True, tag="loss"):
    """A gateway's word that it gave events up; ``body`` is the Loss's JSON."""

    gateway_id: str
    wall_ms: int
    body: str


class NoticeRow(Row, frozen=True, kw_only=True, tag="notice"):
    """What a gateway says of its filter beside episodes; ``body`` is the event's JSON."""

    gateway_id: str
    wall_ms: int
    body: str


class Quarantine(Row, frozen=True, kw_only=True, tag="quarantine"):
    """Bytes that were not understood, base64, with the reason.

    Attributes:
        gateway_id: What the topic said.
        reason: A sentence.
        data: A whole message, or one event where ``boot_id`` says under which boot it was written.
        stored_ms: When it came.
        broker_ms: When the broker received it.
        client_id: Which client the broker named; an operator's retry is judged by the same.
        is_cut: 1 where not all of its bytes could be kept.
        lane: What the topic said; absent of a foreign message.
        spool_id: Of its sequences, where they could be read.
        boot_id: Of a single event.
        first_seq: Its first sequence.
        count: How many sequences it held; the watermark has passed them.
        retried_ms: When an operator last sent it through ingest again.
    """

    gateway_id: str
    reason: str
    data: str
    stored_ms: int
    broker_ms: int = 0
    client_id: str = ""
    is_cut: int = 0
    lane: str | UnsetType = UNSET
    spool_id: str | UnsetType = UNSET
    boot_id: str | UnsetType = UNSET
    first_seq: int | UnsetType = UNSET
    count: int = 0
    retried_ms: int | UnsetType = UNSET
