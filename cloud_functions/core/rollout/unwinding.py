"""The way back: every job of a rollout cancelled, the previous version for every gateway that was touched.

It is gone again and again until all is quiet, since a wave's job may be made, and a gateway may begin, at that very
moment; each time only what is missing is done. Not here: whether to go back (``promoter``).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from cloud_functions.core.ports import Clock
from cloud_functions.core.rollout.judging import PENDING, Execution
from cloud_functions.core.rollout.ports import Jobs
from cloud_functions.core.rollout.record import Record
from cloud_functions.core.rollout.rows import WaveRow, WaveState
from contract.job_request import MAX_TARGETS
from contract.rollout import Plan, unwind_job_id

_UNTOUCHED: Final = ("QUEUED", "FAILED", "REJECTED", "REMOVED")
"""Executions whose gateways run the version they had: not begun, or rolled back by themselves."""
_TRY_AGAIN: Final = ("FAILED", "TIMED_OUT", "CANCELED", "REMOVED")
_TRIES: Final = 3
"""To put one gateway back."""
_PATIENCE_MS: Final = 86_400_000
"""How long gateways are waited for; whoever is away gets the job when it returns."""


class Back(NamedTuple):
    """How far it is: gateways that are waited for, and touched ones that are not back."""

    left: int
    lost: list[str]


class Unwinding:
    """Goes back.

    Args:
        jobs: Where jobs are.
        record: Where it is told.
        clock: The cloud's time.
    """

    def __init__(self, jobs: Jobs, record: Record, clock: Clock) -> None:
        self._jobs = jobs
        self._record = record
        self._clock = clock

    def go_on(self, plan: Plan, why: str) -> Back:
        """Does what is missing. Raises ``StoreError``."""
        touched = self._cancel(plan, why)
        self._put_back(plan, touched)
        left = sum(self._look(row) for row in self._rows(plan))
        back = {one.gateway_id for one in self._executions(plan) if one.status == "SUCCEEDED"}
        return Back(left, sorted(touched - back))

    def _cancel(self, plan: Plan, why: str) -> set[str]:
        """Takes the waves' jobs back; returns whom they have touched."""
        touched: set[str] = set()
        for row in self._record.waves(plan, len(plan.waves) - 1):
            self._jobs.cancel(row.job_id, why)
            executions = self._jobs.executions(row.job_id)
            touched |= {one.gateway_id for one in executions if _is_touched(one)}
            state: WaveState = "passed" if row.state == "passed" else "failed"
            self._record.tell_wave(row, executions, state=state, reason=row.reason)
        return touched

    def _put_back(self, plan: Plan, touched: set[str]) -> None:
        """Creates the jobs that are missing: for gateways that are in none, and again for those where it failed."""
        if plan.unwind is None:
            return
        asked = self._executions(plan)
        tries = Counter(one.gateway_id for one in asked)
        settled = {one.gateway_id for one in asked if one.status not in _TRY_AGAIN}
        settled |= {name for name, number in tries.items() if number >= _TRIES}
        begun = sum(1 for _ in self._rows(plan))
        for part, names in enumerate(_hundreds(sorted(touched - settled)), begun + 1):
            job_id, number = unwind_job_id(plan, part), len(plan.waves) + part - 1
            targets = [_thing_arn(plan, name) for name in names]
            self._jobs.create(replace(plan.unwind, job_id=job_id, targets=targets))
            self._record.begin(plan.rollout_id, number, name=f"back {part}", job_id=job_id, gateways=len(names))

    def _look(self, row: WaveRow) -> int:
        """Writes how far the gateways of one job are; returns for how many it is worth waiting."""
        executions = self._jobs.executions(row.job_id)
        pending = sum(one.status in PENDING for one in executions)
        told = f"{len(executions) - pending} of {row.gateways} answered"
        self._record.tell_wave(row, executions, state="unwinding" if pending else "passed", reason=told)
        return 0 if self._clock() - row.begun_ms > _PATIENCE_MS else pending

    def _executions(self, plan: Plan) -> list[Execution]:
        return [one for row in self._rows(plan) for one in self._jobs.executions(row.job_id)]

    def _rows(self, plan: Plan) -> Iterator[WaveRow]:
        """Of the jobs that put back; they follow the waves."""
        number = len(plan.waves)
        while row := self._record.wave(plan.rollout_id, number):
            yield row
            number += 1


def _is_touched(execution: Execution) -> bool:
    return execution.status not in _UNTOUCHED and (execution.status != "CANCELED" or execution.begun)


def _hundreds(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), MAX_TARGETS):
        yield names[first : first + MAX_TARGETS]


def _thing_arn(plan: Plan, name: str) -> str:
    """Beside the plan's own targets: the same partition, region and account."""
    prefix = plan.waves[0].request.targets[0].rsplit(":", 1)[0]
    return f"{prefix}:thing/{name}"
