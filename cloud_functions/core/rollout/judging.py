"""Whether a wave waits, has passed, or takes the whole rollout back. Values in, one verdict out.

```text
 jobs:    failed beyond bounds ──────────────────────────────▶ abort
          nobody or too few by the deadline ─────────────────▶ abort
 health:  offline, crashed, alerts, false alarms too often ──▶ abort      (of updated gateways against the others)
          all answered, and the last has soaked ─────────────▶ pass       else wait
```
What is bad is acted upon at once; what is good must last. Not here: where the values come from (``standing``).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from cloud_functions.core.rollout.rates import Rate, surprise
from contract.rollout import Bounds, Wave

JobStatus = Literal["QUEUED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED"]
BAD: Final = ("FAILED", "TIMED_OUT", "REJECTED")
PENDING: Final = ("QUEUED", "IN_PROGRESS")
Decision = Literal["wait", "pass", "abort"]


class Execution(NamedTuple):
    """A gateway's latest answer to one job.

    Attributes:
        gateway_id: The thing.
        status: Of the execution.
        number: Which execution; the service counts up with every retry.
        updated_ms: When the status last changed, Unix milliseconds, whole seconds.
        begun: Whether the gateway ever said that it works on it.
    """

    gateway_id: str
    status: JobStatus
    number: int
    updated_ms: int
    begun: bool


class Standing(NamedTuple):
    """How gateways did on one version: together, since each has it.

    Attributes:
        gateways: How many.
        silent: Of them: nothing heard since, or too long ago.
        restarted: Of them: sensing began anew since.
        alerts: Told about them in that time.
        false_alarms: Of the alerts, by the word of a person.
    """

    gateways: int
    silent: int
    restarted: int
    alerts: Rate
    false_alarms: Rate


class Verdict(NamedTuple):
    """What is to be done, and why in a sentence."""

    decision: Decision
    reason: str


def judge(wave: Wave, executions: Sequence[Execution], *, begun_ms: int, now_ms: int, bounds: Bounds) -> Verdict:
    """What the jobs say."""
    counts = Counter(execution.status for execution in executions)
    bad, good = sum(counts[status] for status in BAD), counts["SUCCEEDED"]
    total = max(wave.gateways, len(executions))
    if bad * 100 > bounds.failed_percent * total:
        told = ", ".join(f"{counts[status]} {status}" for status in BAD if counts[status])
        return Verdict("abort", f"{wave.name}: {told} of {total}; bound {bounds.failed_percent:g} %")
    if counts["CANCELED"]:
        return Verdict("abort", f"{wave.name}: {counts['CANCELED']} of {total} were cancelled")
    open_ones = total - bad - good - counts["REMOVED"]
    if open_ones > 0 and now_ms - begun_ms < wave.deadline_seconds * 1000:
        return Verdict("wait", f"{wave.name}: {good} of {total} have it")
    if good * 100 < wave.quorum_percent * (total - bad) or not good:
        late = f"{wave.name}: {good} of {total} have it after {wave.deadline_seconds} s"
        return Verdict("abort", f"{late}; wanted {wave.quorum_percent:g} %")
    last_ms = max(execution.updated_ms for execution in executions if execution.status == "SUCCEEDED")
    left_s = wave.soak_seconds - (now_ms - last_ms) // 1000
    if left_s > 0:
        return Verdict("wait", f"{wave.name}: {good} of {total} have it; soaks for {left_s} s more")
    return Verdict("pass", f"{wave.name}: {good} of {total} have it and did well for {wave.soak_seconds} s")


def compare(new: Standing, old: Standing, bounds: Bounds) -> str:
    """What the gateways' health says against the new version; empty for nothing.

    Shares are compared with the share of gateways on the old version, which an outage of the cloud's own hits as well.
    """
    found = [
        _shares(
            "fell silent", new.silent, old.silent, counts=(new.gateways, old.gateways), more=bounds.offline_percent
        ),
        _shares(
            "began anew",
            new.restarted,
            old.restarted,
            counts=(new.gateways, old.gateways),
            more=bounds.crashed_percent,
        ),
        _rates("alerts", new.alerts, old.alerts, bounds),
        _rates("false alarms", new.false_alarms, old.false_alarms, bounds),
    ]
    return "; ".join(one for one in found if one)


def _shares(what: str, new: int, old: int, *, counts: tuple[int, int], more: float) -> str:
    share, usual = (100 * part / count if count else 0.0 for part, count in zip((new, old), counts, strict=True))
    if share <= usual + more:
        return ""
    return f"{new} of {counts[0]} updated gateways {what}, {old} of {counts[1]} others; bound {more:g} points more"


def _rates(what: str, new: Rate, old: Rate, bounds: Bounds) -> str:
    if surprise(new, old, factor=bounds.alert_factor) > 1 - bounds.confidence:
        return ""
    told = f"{new.per_hour:.3g} {what} an hour and gateway ({new.events}), {old.per_hour:.3g} with the old version"
    return f"{told} ({old.events}); bound {bounds.alert_factor:g} times"
