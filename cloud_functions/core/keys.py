"""The keys that the table's rows lie under: one table for all.

kind        pk                      sk                                            of
block       B#<gateway>#<yyyymmdd>  <lane>#<wall_ms 13>#<spool>#<first_seq 12>    one envelope's events
episode     E#<gateway>             <onset_wall_ms 13>#<episode>                  its latest phase
alert       A#<shard>               <gateway>#<onset_wall_ms 13>#<episode>        one per episode
alert       A#<shard>               <gateway>!identity#<yyyymmdd>                 two devices, one identity
gateway     F#<shard>               <gateway>#health                              its latest Health
software    F#<shard>               <gateway>#software                            what it says that it runs
watermark   F#<shard>               <gateway>#lane#<lane>#<spool>                 what is stored of a lane
counter     F#<shard>               <gateway>#quarantined, #lost#<lane>#<reason>  how many, ever
loss        L#<gateway>             <wall_ms 13>#<spool>#<seq 12>                 events a gateway gave up
label       G#<gateway>             <onset_wall_ms 13>#<episode>                  what a person said of it
feedback    F#<shard>               <gateway>#feedback                            thresholds that follow from labels
notice      N#<gateway>             <wall_ms 13>#<spool>#<seq 12>                 a Drift or Disagreement
place       F#<shard>               <gateway>#place                               retired, or in another's place
serial      S#<serial>              serial                                        a device that may come
renewal     C#<gateway>             <job>#<execution 6>                           a certificate issued in a job
quarantine  Q#<shard>               <gateway>#<hash or sequence>                  bytes nobody understood

A key is made of the content alone, so storing a thing twice is storing it once. No key is a date alone:
all gateways would write to one partition. A shard is a stable hash of the gateway's name.

Not here: what a row holds (``rows``, ``people``).
"""

import zlib
from datetime import UTC, datetime
from typing import Final, NamedTuple

from contract.envelope import Envelope

SHARDS: Final = 4
"""A partition takes 1,000 writes a second (DynamoDB developer guide), so four take 4,000 messages a second.
A question about the whole fleet reads all of them."""
OPEN_ALERTS: Final = "open-alerts"
"""Name of the index that holds open alerts only (see ``template.yaml``)."""


class Key(NamedTuple):
    """Where a row lies."""

    pk: str
    sk: str


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


def label_key(gateway_id: str, onset_wall_ms: int, episode_id: str) -> Key:
    """Of what a person said of an episode."""
    return Key(f"G#{gateway_id}", f"{onset_wall_ms:013d}#{episode_id}")


def alert_key(gateway_id: str, onset_wall_ms: int, episode_id: str) -> Key:
    """Of an episode's alert; in the index of open alerts the sort key is the same."""
    return Key(f"A#{shard(gateway_id)}", f"{gateway_id}#{onset_wall_ms:013d}#{episode_id}")


def fleet_key(gateway_id: str, what: str) -> Key:
    """Of a row about the gateway: ``health``, ``feedback``, ``lane#<lane>#<spool>``, …; see the table above."""
    return Key(f"F#{shard(gateway_id)}", f"{gateway_id}#{what}")


def identity_key(gateway_id: str, wall_ms: int) -> Key:
    """Of the alert that two devices use one identity: one a day. ``!`` keeps it from among the episodes' alerts."""
    return Key(f"A#{shard(gateway_id)}", f"{gateway_id}!identity#{day(wall_ms)}")


def loss_key(gateway_id: str, wall_ms: int, spool_id: str, seq: int) -> Key:
    """Of one Loss event."""
    return Key(f"L#{gateway_id}", f"{wall_ms:013d}#{spool_id}#{seq:012d}")


def notice_key(gateway_id: str, wall_ms: int, spool_id: str, seq: int) -> Key:
    """Of one Drift or Disagreement."""
    return Key(f"N#{gateway_id}", f"{wall_ms:013d}#{spool_id}#{seq:012d}")


def serial_key(serial: str) -> Key:
    """Of a device that may come."""
    return Key(f"S#{serial}", "serial")


def renewal_key(gateway_id: str, job_id: str, execution_number: int) -> Key:
    """Of the certificate issued in one execution of a job."""
    return Key(f"C#{gateway_id}", f"{job_id}#{execution_number:06d}")
