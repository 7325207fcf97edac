"""Carries a plan out, a step at a time. The workflow in ``template.yaml`` calls the steps and waits between them.

```text
 begin ─▶ (wait) ─▶ judge ─▶ wait │ next ─▶ begin … │ done
                      └─ abort ─▶ unwind ─▶ (wait) ─▶ unwind … │ aborted
```
Every step may be repeated: jobs have names of their own, rows a version, and nothing is remembered but in them. A row
is written before its job is made, so whoever takes back finds every job, also one that is made at that very moment:
``unwind`` looks again until all is quiet.
Not here: the verdict (``judging``, ``standing``), how the rows look (``record``).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from cloud_functions.core.ports import Clock, Table
from cloud_functions.core.rollout.judging import PENDING, Execution, Verdict, compare, judge
from cloud_functions.core.rollout.ports import Jobs, Plans
from cloud_functions.core.rollout.record import Record
from cloud_functions.core.rollout.rows import WaveRow, WaveState
from cloud_functions.core.rollout.standing import stand
from contract.job_request import MAX_TARGETS
from contract.rollout import Plan, Wave, unwind_job_id

_UNTOUCHED: Final = ("QUEUED", "FAILED", "REJECTED", "REMOVED")
"""Executions whose gateways run the version they had: not begun, or rolled back by themselves."""
_QUIET_MS: Final = 180_000
"""Three usual Health intervals: if nobody at all was heard for longer, nothing is known of anybody."""
_TRY_AGAIN: Final = ("FAILED", "TIMED_OUT", "CANCELED", "REMOVED")
_TRIES: Final = 3
"""To put one gateway back."""
_NAMED: Final = 20
_UNWIND_MS: Final = 86_400_000
"""How long gateways are waited for that are to go back; whoever is away gets it when it returns."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What the workflow hands from step to step.

    Attributes:
        rollout_id: Whose turn it is.
        wave: The wave it is at, from 0.
        step: ``begin`` or ``unwind``: where the workflow enters.
        decision: What follows.
        reason: Why, in a sentence.
        poll_seconds: How long to wait before it is looked at again.
    """

    rollout_id: str
    wave: int = 0
    step: Literal["begin", "unwind"] = "begin"
    decision: Literal["wait", "next", "done", "abort", "aborted"] = "wait"
    reason: str = ""
    poll_seconds: int = 1


class Promoter:
    """The only one that makes jobs of a plan.

    Args:
        table: Where gateways' rows are, and the rollouts'.
        jobs: Where jobs are made.
        plans: What was planned.
        clock: The cloud's time.
    """

    def __init__(self, table: Table, jobs: Jobs, plans: Plans, clock: Clock) -> None:
        self._table = table
        self._jobs = jobs
        self._plans = plans
        self._clock = clock
        self._record = Record(table, jobs, clock)

    def begin(self, step: Step) -> Step:
        """Creates the wave's job."""
        plan = self._plans.read(step.rollout_id)
        wave = plan.waves[step.wave]
        job_id = wave.request.job_id
        self._record.begin(plan.rollout_id, step.wave, name=wave.name, job_id=job_id, gateways=wave.gateways)
        self._jobs.create(wave.request)
        return self._told(plan, step, Verdict("wait", f"{wave.name}: job {job_id} created"))

    def judge(self, step: Step) -> Step:
        """Looks at the wave, and at how every updated gateway does."""
        plan = self._plans.read(step.rollout_id)
        rows = self._rows(plan, step.wave)
        executions = [self._jobs.executions(row.job_id) for row in rows]
        verdict = self._verdict(plan, rows, executions)
        state = {"wait": "running", "pass": "passed", "abort": "failed"}
        self._record.tell_wave(rows[-1], executions[-1], state=state[verdict.decision], reason=verdict.reason)  # type: ignore[arg-type]
        return self._told(plan, step, verdict)

    def unwind(self, step: Step) -> Step:
        """Takes back every job, and puts the previous version on every gateway that was touched, until they have it."""
        plan = self._plans.read(step.rollout_id)
        touched = self._cancel(plan, step.reason or "aborted")
        self._put_back(plan, touched)
        left = sum(self._look_back(row) for row in self._unwinding(plan))
        if left:
            self._record.tell(plan, wave=step.wave, state="aborting", reason=step.reason)
            return replace(step, decision="wait", poll_seconds=plan.poll_seconds)
        lost = sorted(touched - {one.gateway_id for one in self._backs(plan) if one.status == "SUCCEEDED"})
        reason = step.reason + (f"; not put back: {', '.join(lost[:_NAMED])}" if lost else "")
        self._record.tell(plan, wave=step.wave, state="aborted", reason=reason)
        return replace(step, decision="aborted", reason=reason)

    def _cancel(self, plan: Plan, why: str) -> set[str]:
        """Takes the waves' jobs back; returns whom they have touched."""
        touched: set[str] = set()
        for row in self._rows(plan, len(plan.waves) - 1):
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
        backs = self._backs(plan)
        tries = Counter(one.gateway_id for one in backs)
        settled = {one.gateway_id for one in backs if one.status not in _TRY_AGAIN}
        settled |= {name for name, number in tries.items() if number >= _TRIES}
        begun = sum(1 for _ in self._unwinding(plan))
        for part, names in enumerate(_hundreds(sorted(touched - settled)), begun + 1):
            job_id, number = unwind_job_id(plan, part), len(plan.waves) + part - 1
            targets = [_thing_arn(plan, name) for name in names]
            self._record.begin(plan.rollout_id, number, name=f"back {part}", job_id=job_id, gateways=len(names))
            self._jobs.create(replace(plan.unwind, job_id=job_id, targets=targets))

    def _backs(self, plan: Plan) -> list[Execution]:
        return [one for row in self._unwinding(plan) for one in self._jobs.executions(row.job_id)]

    def _look_back(self, row: WaveRow) -> int:
        """Writes how far the gateways of a job that puts back are; returns for how many it is worth waiting."""
        executions = self._jobs.executions(row.job_id)
        pending = sum(one.status in PENDING for one in executions)
        told = f"{len(executions) - pending} of {row.gateways} answered"
        self._record.tell_wave(row, executions, state="unwinding" if pending else "passed", reason=told)
        return 0 if self._clock() - row.begun_ms > _UNWIND_MS else pending

    def _verdict(self, plan: Plan, rows: Sequence[WaveRow], executions: Sequence[Sequence[Execution]]) -> Verdict:
        now_ms, number = self._clock(), rows[-1].number
        wave: Wave = plan.waves[number]
        said = judge(wave, executions[-1], begun_ms=rows[-1].begun_ms, now_ms=now_ms, bounds=plan.bounds)
        since = _since(executions)
        if said.decision == "abort" or not since:
            return said
        both = stand(
            self._table,
            since,
            begun_ms=rows[0].begun_ms,
            baseline_ms=plan.baseline_seconds * 1000,
            now_ms=now_ms,
        )
        worse = compare(both.new, both.old, plan.bounds)
        if worse:
            return Verdict("abort", f"{wave.name}: {worse}")
        if said.decision == "pass" and both.unheard_ms > plan.poll_seconds * 1000 + _QUIET_MS:
            return Verdict("wait", f"{wave.name}: nobody was heard for {both.unheard_ms // 1000} s")
        return said

    def _told(self, plan: Plan, step: Step, verdict: Verdict) -> Step:
        last = step.wave == len(plan.waves) - 1
        if verdict.decision == "pass":
            self._record.tell(plan, wave=step.wave, state="done" if last else "running", reason=verdict.reason)
            wave = step.wave if last else step.wave + 1
            return replace(step, wave=wave, decision="done" if last else "next", reason=verdict.reason)
        aborts = verdict.decision == "abort"
        self._record.tell(plan, wave=step.wave, state="aborting" if aborts else "running", reason=verdict.reason)
        decision: Literal["abort", "wait"] = "abort" if aborts else "wait"
        return replace(step, decision=decision, reason=verdict.reason, poll_seconds=plan.poll_seconds)

    def _rows(self, plan: Plan, last: int) -> list[WaveRow]:
        found = [self._record.wave(plan.rollout_id, number) for number in range(last + 1)]
        return [row for row in found if row is not None]

    def _unwinding(self, plan: Plan) -> Iterator[WaveRow]:
        number = len(plan.waves)
        while row := self._record.wave(plan.rollout_id, number):
            yield row
            number += 1


def _is_touched(execution: Execution) -> bool:
    return execution.status not in _UNTOUCHED and (execution.status != "CANCELED" or execution.begun)


def _since(executions: Sequence[Sequence[Execution]]) -> dict[str, int]:
    """When each updated gateway said so first."""
    found: dict[str, int] = {}
    for execution in (one for wave in executions for one in wave if one.status == "SUCCEEDED"):
        found[execution.gateway_id] = min(execution.updated_ms, found.get(execution.gateway_id, execution.updated_ms))
    return found


def _hundreds(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), MAX_TARGETS):
        yield names[first : first + MAX_TARGETS]


def _thing_arn(plan: Plan, name: str) -> str:
    """Beside the plan's own targets: the same partition, region and account."""
    prefix = plan.waves[0].request.targets[0].rsplit(":", 1)[0]
    return f"{prefix}:thing/{name}"
