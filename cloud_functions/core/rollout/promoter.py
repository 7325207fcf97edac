"""Carries a plan out, a step at a time. The workflow in ``template.yaml`` calls the steps and waits between them.

```text
 begin ─▶ (wait) ─▶ judge ─▶ wait │ next ─▶ begin … │ done
                      └─ abort ─▶ unwind ─▶ (wait) ─▶ unwind … │ aborted
```
Every step may be repeated: jobs have names of their own, rows a version, and nothing is remembered but in them. A row
is written before its job is made, so whoever takes back finds every job, also one that is made at that very moment.
Not here: the verdict (``judging``, ``standing``), the way back (``unwinding``), how the rows look (``record``).
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from cloud_functions.core.ports import Clock, Table
from cloud_functions.core.rollout.judging import Execution, Verdict, compare, judge
from cloud_functions.core.rollout.ports import Jobs, Plans
from cloud_functions.core.rollout.record import Record
from cloud_functions.core.rollout.rows import WaveRow
from cloud_functions.core.rollout.standing import stand
from cloud_functions.core.rollout.unwinding import Unwinding
from contract.rollout import Plan, Wave

_QUIET_MS: Final = 180_000
"""Three usual Health intervals: if nobody at all was heard for longer, nothing is known of anybody."""
_NAMED: Final = 20
"""Gateways in a sentence."""


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
        self._unwinding = Unwinding(jobs, self._record, clock)

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
        rows = self._record.waves(plan, step.wave)
        executions = [self._jobs.executions(row.job_id) for row in rows]
        verdict = self._verdict(plan, rows, executions)
        state = {"wait": "running", "pass": "passed", "abort": "failed"}
        self._record.tell_wave(rows[-1], executions[-1], state=state[verdict.decision], reason=verdict.reason)  # type: ignore[arg-type]
        return self._told(plan, step, verdict)

    def unwind(self, step: Step) -> Step:
        """Takes back every job, and puts the previous version on every gateway that was touched, until they have it."""
        plan = self._plans.read(step.rollout_id)
        back = self._unwinding.go_on(plan, step.reason or "aborted")
        if back.left:
            self._record.tell(plan, wave=step.wave, state="aborting", reason=step.reason)
            return replace(step, decision="wait", poll_seconds=plan.poll_seconds)
        reason = step.reason + (f"; not put back: {', '.join(back.lost[:_NAMED])}" if back.lost else "")
        self._record.tell(plan, wave=step.wave, state="aborted", reason=reason)
        return replace(step, decision="aborted", reason=reason)

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


def _since(executions: Sequence[Sequence[Execution]]) -> dict[str, int]:
    """When each updated gateway said so first."""
    found: dict[str, int] = {}
    for execution in (one for wave in executions for one in wave if one.status == "SUCCEEDED"):
        found[execution.gateway_id] = min(execution.updated_ms, found.get(execution.gateway_id, execution.updated_ms))
    return found
