"""Good events from bad ones, inside one envelope.

One bad event must not take its neighbours along: it leaves ``null`` at its place, so that place still tells
the sequence, and goes to quarantine by itself. Kinds this version does not know are good: they are kept as
they came.
"""

from typing import NamedTuple

import msgspec

from cloud_functions.core.rows import MAX_SEQUENCE, MAX_WALL_MS
from contract.codec import UnknownEvent, decode_event
from contract.envelope import Envelope
from contract.errors import ContractError
from contract.events import Disagreement, Drift, Episode, Lane, Loss
from contract.kinds import AnyEvent, lane_of

_MAX_EPISODE_ID = 200
_MAX_REASON = 100
_MAX_SCORE = 1e12


Notice = Drift | Disagreement
"""What a gateway says of its filter beside episodes."""


class BadEvent(NamedTuple):
    """An event that cannot be understood."""

    seq: int
    raw: bytes
    reason: str


class Sifted(NamedTuple):
    """One envelope's events.

    Attributes:
        body: JSON array of the events as they came.
        good: Those this version understands.
        bad: Those nobody does.
        wall_ms: When the first event happened that says so; 0 where none does.
        losses: Those among the good that tell of a loss, with their sequences.
        notices: Those that tell of the filter itself, with their sequences.
    """

    body: str
    good: list[AnyEvent]
    bad: list[BadEvent]
    wall_ms: int
    losses: list[tuple[int, Loss]]
    notices: list[tuple[int, Notice]]


class _When(msgspec.Struct, frozen=True):
    wall_ms: int


_when = msgspec.json.Decoder(_When)


def sift(envelope: Envelope) -> Sifted:
    """Sorts an envelope's events."""
    texts: list[str] = []
    good: list[AnyEvent] = []
    bad: list[BadEvent] = []
    losses: list[tuple[int, Loss]] = []
    notices: list[tuple[int, Notice]] = []
    for seq, event in enumerate(envelope.events, envelope.first_seq):
        raw = bytes(event)
        try:
            known = _checked(raw, envelope.lane)
            texts.append(raw.decode())
        except (ContractError, UnicodeDecodeError, RecursionError) as exc:
            bad.append(BadEvent(seq, raw, str(exc)))
            texts.append("null")
        else:
            good.extend([known] if known else [])
            losses.extend([(seq, known)] if isinstance(known, Loss) else [])
            notices.extend([(seq, known)] if isinstance(known, Notice) else [])
    wall_ms = next(filter(None, map(_wall_ms, envelope.events)), 0)
    return Sifted(f"[{','.join(texts)}]", good, bad, wall_ms, losses, notices)


NOTHING = Sifted("[]", [], [], 0, [], [])
"""Of an envelope that was refused whole."""


def _checked(raw: bytes, lane: Lane) -> AnyEvent | None:
    event = decode_event(raw)
    if isinstance(event, UnknownEvent):
        return None
    if lane_of(event) != lane:
        raise ContractError(f"event of lane {lane_of(event)!r} in an envelope of lane {lane!r}")
    if not _is_time(event.wall_ms):
        raise ContractError(f"event: wall_ms {event.wall_ms} is no time - at `$.wall_ms`")
    if isinstance(event, Episode):
        _check_episode(event)
    if isinstance(event, Loss):
        _check_loss(event)
    return event


def _check_episode(episode: Episode) -> None:
    if not 1 <= len(episode.episode_id) <= _MAX_EPISODE_ID:
        raise ContractError(f"event: episode_id must have 1 to {_MAX_EPISODE_ID} characters")
    if not _is_time(episode.onset_wall_ms):
        raise ContractError(f"event: onset_wall_ms {episode.onset_wall_ms} is no time - at `$.onset_wall_ms`")
    if not 0 <= episode.peak_score <= _MAX_SCORE:
        raise ContractError(f"event: peak_score {episode.peak_score} is no score - at `$.peak_score`")
    if not 0 <= episode.duration_ms <= MAX_WALL_MS:
        raise ContractError(f"event: duration_ms {episode.duration_ms} is no duration - at `$.duration_ms`")


def _check_loss(loss: Loss) -> None:
    if not 1 <= len(loss.reason) <= _MAX_REASON:
        raise ContractError(f"event: reason must have 1 to {_MAX_REASON} characters - at `$.reason`")
    if not 0 <= (loss.count or 0) <= MAX_SEQUENCE:
        raise ContractError(f"event: count {loss.count} is no count - at `$.count`")


def _is_time(wall_ms: int) -> bool:
    return 0 <= wall_ms <= MAX_WALL_MS


def _wall_ms(event: msgspec.Raw) -> int:
    try:
        wall_ms = _when.decode(event).wall_ms
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0
    return wall_ms if _is_time(wall_ms) else 0
