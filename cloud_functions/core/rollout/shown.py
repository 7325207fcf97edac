"""Rollouts as the query API shows them."""

from typing import Final

import msgspec

from cloud_functions.core.errors import QueryError
from cloud_functions.core.ports import Span, Table
from cloud_functions.core.rollout.rows import ROLLOUTS, RolloutRow, RolloutState, WaveRow, WaveState

MAX_ROLLOUTS: Final = 50


class RolloutView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; ``wave`` counts from 0."""

    rollout_id: str
    what: str
    release: str
    state: RolloutState
    reason: str
    wave: int
    waves: int
    by: str
    created_ms: int
    updated_ms: int


class WaveView(msgspec.Struct, frozen=True, kw_only=True):
    """One wave; ``counts`` are executions by status, ``reasons`` why gateways failed, with those it was."""

    number: int
    name: str
    job_id: str
    state: WaveState
    reason: str
    gateways: int
    begun_ms: int
    updated_ms: int
    counts: dict[str, int]
    reasons: dict[str, list[str]]


class RolloutsView(msgspec.Struct, frozen=True, kw_only=True):
    """The latest rollouts, newest first."""

    rollouts: list[RolloutView]


class RolloutDetailView(msgspec.Struct, frozen=True, kw_only=True):
    """One rollout by its waves; the jobs that take it back follow them."""

    rollout: RolloutView
    waves: list[WaveView]


def rollouts(table: Table) -> RolloutsView:
    """The latest."""
    rows = table.query(Span(ROLLOUTS, newest_first=True, limit=MAX_ROLLOUTS))
    return RolloutsView(rollouts=[_rollout(row) for row in rows if isinstance(row, RolloutRow)])


def rollout(table: Table, rollout_id: str) -> RolloutDetailView:
    """One of them.

    Raises:
        QueryError: There is none of that id among the latest.
    """
    found = next((one for one in rollouts(table).rollouts if one.rollout_id == rollout_id), None)
    if found is None:
        raise QueryError(f"no rollout {rollout_id!r}", status=404, remedy="GET /api/rollouts lists the latest")
    rows = table.query(Span(f"R#{rollout_id}"))
    return RolloutDetailView(rollout=found, waves=[_wave(row) for row in rows if isinstance(row, WaveRow)])


def _rollout(row: RolloutRow) -> RolloutView:
    return msgspec.convert(msgspec.structs.asdict(row), RolloutView)


def _wave(row: WaveRow) -> WaveView:
    maps = {name: msgspec.json.decode(text) for name, text in (("counts", row.counts), ("reasons", row.reasons))}
    return msgspec.convert(msgspec.structs.asdict(row) | maps, WaveView)
