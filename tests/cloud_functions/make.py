"""What the tests of the cloud send: small, valid, and wrong in one place at a time."""

import base64
import itertools
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from cloud_functions.core.receive import Record
from contract.codec import encode_envelope, encode_event
from contract.envelope import Declared, Envelope
from contract.events import Disagreement, Drift, Episode, Lane, Loss
from contract.health import Health, SensorHealth
from contract.kinds import AnyEvent
from contract.readings import ChannelSummary, Context, Summary

NOW_MS = 1_795_420_800_000
"""2026-11-23 08:00:00 UTC."""

_ids = itertools.count(1)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def episode(phase: str = "opened", *, duration_ms: int = 0, onset: int = NOW_MS, **fields: Any) -> Episode:
    values: dict[str, Any] = {
        "wall_ms": onset + duration_ms,
        "monotonic_ms": 1000 + duration_ms,
        "episode_id": f"gw-1.host.boot.{onset % 100_000}",
        "sensor": "host",
        "phase": phase,
        "onset_wall_ms": onset,
        "duration_ms": duration_ms,
        "score": 1.5,
        "peak_score": 2.5,
        "peak_wall_ms": onset,
        "top_channel": "cpu_percent",
        "contributions": {"cpu_percent": 0.9},
        "reason": "cpu_percent is far above its calibration",
    }
    return Episode(**(values | fields))


def health(*, wall_ms: int = NOW_MS, state: str = "armed", interval_ms: int = 10_000, **fields: Any) -> Health:
    sensor = msgspec.convert({"state": state, "rate_hz": 10.0}, SensorHealth)
    return Health(
        wall_ms=wall_ms,
        monotonic_ms=1,
        version="0.1.0",
        uptime_ms=5000,
        interval_ms=interval_ms,
        sensors={"host": sensor},
        **fields,
    )


def drift(phase: str = "began", *, wall_ms: int = NOW_MS, **fields: Any) -> Drift:
    values: dict[str, Any] = {
        "wall_ms": wall_ms,
        "monotonic_ms": 1,
        "sensor": "host",
        "phase": phase,
        "of": "level",
        "channel": "cpu_percent",
        "before": 10.0,
        "now": 55.0,
        "steps": 1.2,
        "windows": 100,
        "reason": "cpu_percent stays above where it was calibrated: 55 %, was 10 %",
    }
    return Drift(**(values | fields))


def disagreement(*, wall_ms: int = NOW_MS, **fields: Any) -> Disagreement:
    values: dict[str, Any] = {
        "wall_ms": wall_ms,
        "monotonic_ms": 1,
        "sensor": "host",
        "only": "candidate",
        "start_wall_ms": wall_ms - 9000,
        "duration_ms": 9000,
        "ended": True,
        "active_score": 0.8,
        "candidate_score": 1.4,
        "top_channel": "cpu_percent",
        "model": "level-8 v1 3f0a91c2",
        "candidate": "level-8 v2 77aa91c2",
    }
    return Disagreement(**(values | fields))


def loss(count: int | None = 3, reason: str = "quota", *, of_lane: Lane = "summaries", wall_ms: int = NOW_MS) -> Loss:
    return Loss(wall_ms=wall_ms, monotonic_ms=1, of_lane=of_lane, reason=reason, count=count)


def summary(wall_ms: int = NOW_MS) -> Summary:
    channel = ChannelSummary(unit="%", count=10, mean=1.0, min=0.0, max=2.0, std=0.5)
    return Summary(
        wall_ms=wall_ms,
        monotonic_ms=1,
        sensor="host",
        start_wall_ms=wall_ms - 1000,
        scans=10,
        state="armed",
        channels={"cpu_percent": channel},
    )


def context(of: Episode, part: int = 1, parts: int = 1) -> Context:
    return Context(
        wall_ms=of.onset_wall_ms - 5000,
        monotonic_ms=1,
        episode_id=of.episode_id,
        sensor="host",
        scans=0,
        traces={},
        part=part,
        parts=parts,
    )


def envelope(
    first_seq: int,
    *events: AnyEvent | bytes,
    gateway_id: str = "gw-1",
    spool_id: str = "spool",
    boot_id: str = "boot",
    lane: Lane = "events",
    declared: Sequence[Declared] = (),
) -> Envelope:
    raws = [event if isinstance(event, bytes) else encode_event(event) for event in events]
    return Envelope(
        gateway_id=gateway_id,
        spool_id=spool_id,
        boot_id=boot_id,
        lane=lane,
        first_seq=first_seq,
        events=[msgspec.Raw(raw) for raw in raws],
        declared=list(declared),
    )


def record(sent: Envelope | bytes, *, broker_ms: int = NOW_MS, **topic: str) -> Record:
    """What the queue delivers after the rule; ``topic`` overrides gateway_id, lane or client_id."""
    payload = sent if isinstance(sent, bytes) else encode_envelope(sent)
    said = {"gateway_id": "gw-1", "lane": "events", "client_id": "n/a"}
    if isinstance(sent, Envelope):
        said |= {"gateway_id": sent.gateway_id, "lane": sent.lane, "client_id": sent.gateway_id}
    body = {"data": base64.b64encode(payload).decode(), "broker_ms": broker_ms, **said, **topic}
    return Record(f"record-{next(_ids)}", json.dumps(body))
