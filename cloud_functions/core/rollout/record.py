"""How a rollout stands, written where the query API reads it. Counts and reasons, never who decides."""

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from cloud_functions.core.ports import Clock, Table
from cloud_functions.core.rollout.judging import BAD, Execution
from cloud_functions.core.rollout.ports import Jobs
from cloud_functions.core.rollout.rows import RolloutRow, RolloutState, WaveRow, WaveState, rollout_key, wave_key
from contract.rollout import Plan

MAX_REASONS = 50
"""Gateways of a wave that are asked why; the rest is counted by its status."""

_FIGURES = re.compile(r"\d+(\.\d+)?")
"""Reasons that differ in their figures only are one: the first of them stands for all."""

_reasons = msgspec.json.Decoder(dict[str, list[str]])


class Record:
    """Writes the rows of one step.

    Args:
        table: Where to.
        jobs: Asked for reasons.
        clock: The cloud's time.
    """

    def __init__(self, table: Table, jobs: Jobs, clock: Clock) -> None:
        self._table = table
        self._jobs = jobs
        self._clock = clock

    def wave(self, rollout_id: str, number: int) -> WaveRow | None:
        """A wave as it was last written."""
        row = self._table.get(wave_key(rollout_id, number))
        return row if isinstance(row, WaveRow) else None

    def waves(self, plan: Plan, last: int) -> list[WaveRow]:
        """Those that have begun, up to one."""
        found = [self.wave(plan.rollout_id, number) for number in range(last + 1)]
        return [row for row in found if row is not None]

    def begin(self, rollout_id: str, number: int, *, name: str, job_id: str, gateways: int) -> WaveRow:
        """Writes a wave that begins now; one that has begun stays as it is."""
        now_ms, (pk, sk) = self._clock(), wave_key(rollout_id, number)
        fresh = WaveRow(
            pk=pk,
            sk=sk,
            rollout_id=rollout_id,
            number=number,
            name=name,
            job_id=job_id,
            state="running",
            reason="told to IoT Jobs",
            gateways=gateways,
            begun_ms=now_ms,
            updated_ms=now_ms,
            version=1,
        )
        there = self._table.insert(fresh)
        return there if isinstance(there, WaveRow) else fresh

    def tell_wave(self, row: WaveRow, executions: Sequence[Execution], *, state: WaveState, reason: str) -> None:
        """Writes how a wave stands."""
        now_ms = self._clock()
        counts = Counter(execution.status for execution in executions)
        changed = msgspec.structs.replace(
            row,
            state=state,
            reason=reason,
            counts=msgspec.json.encode(dict(sorted(counts.items()))).decode(),
            reasons=msgspec.json.encode(self._why(row, executions)).decode(),
            updated_ms=now_ms,
            version=row.version + 1,
        )
        self._table.merge(changed, rank="version")

    def tell(self, plan: Plan, *, wave: int, state: RolloutState, reason: str) -> None:
        """Writes how the rollout stands."""
        now_ms, (pk, sk) = self._clock(), rollout_key(plan)
        there = self._table.get(rollout_key(plan))
        row = RolloutRow(
            pk=pk,
            sk=sk,
            rollout_id=plan.rollout_id,
            what=f"{plan.release.kind} {plan.release.name}",
            release=plan.release.version,
            state=state,
            reason=reason,
            wave=wave,
            waves=len(plan.waves),
            by=plan.by,
            created_ms=plan.created_ms,
            updated_ms=now_ms,
            version=there.version + 1 if isinstance(there, RolloutRow) else 1,
        )
        self._table.merge(row, rank="version")

    def _why(self, row: WaveRow, executions: Sequence[Execution]) -> dict[str, list[str]]:
        bad = [execution for execution in executions if execution.status in BAD]
        found = {name: why for why, names in _reasons.decode(row.reasons).items() for name in names}
        labels: dict[str, str] = {}
        told: dict[str, list[str]] = {}
        for execution in bad[:MAX_REASONS]:
            name = execution.gateway_id
            why = found.get(name) or self._jobs.reason(row.job_id, name) or f"{execution.status}, no reason given"
            label = labels.setdefault(_FIGURES.sub("#", why), why)
            told.setdefault(label, []).append(name)
        return told
