"""One gateway over the last minutes: its summaries, its episodes, the raw readings around one of them.

A block is found by its first event's time and may hold later ones, so blocks are looked for a little before
the window; an episode is found by its onset and may last, so episodes are looked for a day before it.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from cloud_functions.core.errors import QueryError
from cloud_functions.core.feedback import feedback_of, row_in
from cloud_functions.core.fleet import is_alive
from cloud_functions.core.gaps import gaps, lanes
from cloud_functions.core.keys import day, fleet_key, label_key
from cloud_functions.core.people import FeedbackRow, LabelRow
from cloud_functions.core.places import continued, line, place_in
from cloud_functions.core.ports import Span, Table
from cloud_functions.core.rows import Block, EpisodeRow, GatewayRow, LossRow, NoticeRow
from cloud_functions.core.shape import health_of
from cloud_functions.core.views import ContextView, DetailView, FeedbackView, LabelView
from contract.codec import decode_event
from contract.errors import ContractError
from contract.events import Disagreement, Drift, Episode, Lane, Loss
from contract.health import Health
from contract.kinds import AnyEvent
from contract.readings import Context, Report, Summary

MAX_SUMMARIES: Final = 4000
"""About 3 MB; a function may answer with 6 MB (AWS Lambda quotas)."""
MAX_LOSSES: Final = 100
MAX_NOTICES: Final = 200
MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_BLOCK_SPAN_MS: Final = 60 * MINUTE_MS
_AROUND_ONSET_MS: Final = 60 * MINUTE_MS

_raws = msgspec.json.Decoder(list[msgspec.Raw])
_Event = TypeVar("_Event", Summary, Context, Report)


def detail(table: Table, gateway_id: str, *, minutes: int, now_ms: int) -> DetailView:
    """The last minutes of one gateway, and of those whose place it took.

    Raises:
        QueryError: Nobody has heard of it.
    """
    view, replaces = _alone(table, gateway_id, minutes=minutes, now_ms=now_ms)
    seen = {gateway_id}
    while replaces and replaces not in seen:
        seen.add(replaces)
        older, replaces = _alone(table, replaces, minutes=minutes, now_ms=now_ms)
        view = continued(view, older)
    return view


def _alone(table: Table, gateway_id: str, *, minutes: int, now_ms: int) -> tuple[DetailView, str]:
    """What one gateway said itself, and whose place it took."""
    pk, prefix = fleet_key(gateway_id, "")
    known = table.query(Span(pk, first=prefix, last=f"{prefix}~"))
    if not known:
        raise QueryError(f"no gateway {gateway_id!r}", status=404, remedy="GET /api/fleet lists those there are")
    health_row = next((row for row in known if isinstance(row, GatewayRow)), None)
    from_ms = now_ms - minutes * MINUTE_MS
    blocks = blocks_between(table, gateway_id, "summaries", first_ms=from_ms - _BLOCK_SPAN_MS, last_ms=now_ms)
    summaries = [
        event
        for event in events_of((block for block in blocks if is_alive(block, now_ms)), Summary)
        if from_ms <= event.wall_ms <= now_ms
    ]
    summaries.sort(key=lambda summary: summary.wall_ms)
    losses = _told(table, f"L#{gateway_id}", from_ms=from_ms, now_ms=now_ms, limit=MAX_LOSSES)
    notices = _told(table, f"N#{gateway_id}", from_ms=from_ms, now_ms=now_ms, limit=MAX_NOTICES)
    view = DetailView(
        gateway_id=gateway_id,
        from_ms=from_ms,
        to_ms=now_ms,
        health=health_of(health_row),
        summaries=summaries[-MAX_SUMMARIES:],
        episodes=_episodes(table, gateway_id, from_ms=from_ms, now_ms=now_ms),
        losses=[loss for loss in losses if isinstance(loss, Loss)],
        drifts=[notice for notice in notices if isinstance(notice, Drift)],
        disagreements=[notice for notice in notices if isinstance(notice, Disagreement)],
        labels=_labels(table, gateway_id, from_ms=from_ms, now_ms=now_ms),
        feedback=feedback_view(row_in(known), health_of(health_row)),
        lanes=lanes(known, now_ms=now_ms),
        gaps=gaps(known, now_ms=now_ms),
        truncated=max(0, len(summaries) - MAX_SUMMARIES),
    )
    place = place_in(known)
    return view, place.replaces if place else ""


def context(table: Table, gateway_id: str, episode_id: str, *, now_ms: int) -> ContextView:
    """The raw readings around an episode's onset, part by part; none where they have not come.

    Raises:
        QueryError: Nobody has heard of the episode.
    """
    onset_ms = find_episode(table, gateway_id, episode_id, now_ms=now_ms).onset_wall_ms
    first_ms, last_ms = onset_ms - _AROUND_ONSET_MS, onset_ms + _AROUND_ONSET_MS
    parts: list[Context] = []
    for name in line(table, gateway_id):
        blocks = blocks_between(table, name, "context", first_ms=first_ms, last_ms=last_ms)
        parts += [part for part in events_of(blocks, Context) if part.episode_id == episode_id]
        if parts:
            break
    return ContextView(episode_id=episode_id, parts=sorted(parts, key=lambda part: part.part))


def find_episode(table: Table, gateway_id: str, episode_id: str, *, now_ms: int) -> Episode:
    """An episode as it was last told, by this gateway or one whose place it took.

    Raises:
        QueryError: Nobody has heard of it.
    """
    found = (
        row
        for name in line(table, gateway_id)
        for row in table.query(Span(f"E#{name}", newest_first=True))
        if isinstance(row, EpisodeRow) and row.episode_id == episode_id
    )
    row = next(found, None)
    episode = _episode(row) if row and is_alive(row, now_ms) else None
    if episode is None:
        remedy = f"GET /api/gateways/{gateway_id} lists the latest episodes"
        raise QueryError(f"no episode {episode_id!r} of gateway {gateway_id!r}", status=404, remedy=remedy)
    return episode


def _labels(table: Table, gateway_id: str, *, from_ms: int, now_ms: int) -> list[LabelView]:
    pk = label_key(gateway_id, 0, "").pk
    rows = table.query(Span(pk, f"{max(0, from_ms - _DAY_MS):013d}", f"{now_ms:013d}~"))
    return [label_view(row) for row in rows if isinstance(row, LabelRow) and is_alive(row, now_ms)]


def label_view(row: LabelRow) -> LabelView:
    """As the API shows it."""
    return LabelView(episode_id=row.episode_id, label=row.label, by=row.by, labelled_ms=row.labelled_ms)


def feedback_view(row: FeedbackRow | None, health: Health | None) -> FeedbackView | None:
    """As the API shows it."""
    if row is None:
        return None
    heard = health.feedback_version if health else None
    return FeedbackView(version=row.version, heard_version=heard, thresholds=feedback_of(row).thresholds)


def _episodes(table: Table, gateway_id: str, *, from_ms: int, now_ms: int) -> list[Episode]:
    first, last = f"{max(0, from_ms - _DAY_MS):013d}", f"{now_ms:013d}~"
    rows = [row for row in table.query(Span(f"E#{gateway_id}", first, last)) if isinstance(row, EpisodeRow)]
    wanted = [row for row in rows if row.wall_ms >= from_ms or row.phase != "closed"]
    decoded = [_episode(row) for row in wanted if is_alive(row, now_ms)]
    return [episode for episode in decoded if episode]


def _told(table: Table, pk: str, *, from_ms: int, now_ms: int, limit: int) -> list[AnyEvent]:
    """What a gateway told in that time that has a row of its own, the latest few, in order."""
    span = Span(pk, f"{max(0, from_ms):013d}", f"{now_ms:013d}~", newest_first=True, limit=limit)
    rows = [row for row in table.query(span) if isinstance(row, LossRow | NoticeRow) and is_alive(row, now_ms)]
    events = [_decode(row.body.encode()) for row in reversed(rows)]
    return [event for event in events if event]


def _episode(row: EpisodeRow) -> Episode | None:
    event = _decode(row.body.encode())
    return event if isinstance(event, Episode) else None


def blocks_between(table: Table, gateway_id: str, lane: Lane, *, first_ms: int, last_ms: int) -> Iterator[Block]:
    """A lane's blocks whose first event is of this time, in order."""
    first_ms = max(0, first_ms)
    days = sorted({day(ms) for ms in (*range(first_ms, last_ms, _DAY_MS), last_ms)})
    for name in days:
        span = Span(f"B#{gateway_id}#{name}", f"{lane}#{first_ms:013d}", f"{lane}#{last_ms:013d}~")
        yield from (row for row in table.query(span) if isinstance(row, Block))


def events_of(blocks: Iterable[Block], kind: type[_Event]) -> Iterator[_Event]:
    """Their events of one kind."""
    for block in blocks:
        for raw in _raws.decode(block.body):
            event = _decode(bytes(raw))
            if isinstance(event, kind):
                yield event


def _decode(raw: bytes) -> AnyEvent | None:
    """The event, if this version understands it: quarantined places are ``null``, other kinds are skipped."""
    try:
        event = decode_event(raw)
    except ContractError:
        return None
    return event if isinstance(event, AnyEvent) else None
