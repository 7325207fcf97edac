"""The judgement over a new version: a function of two stretches of time, and of bounds.

```
one rule says no ──────────────────────────────▶ bad, with its figures
window_s has passed and the evidence is there ────▶ good, with all figures
timeout_s has passed─────────────────────────────▶ bad: no evidence, unless there was none before either
else ──────────────────────────────────────────▶ not yet
```
A gateway that is offline says nothing against a version. Rules that need time to be fair (rates, growth, scores) speak
only when the evidence is there; what no amount of time mends (an end, a refusal) speaks at once.
Not here: where the stretches come from (``stretch``), what a verdict leads to (``device_agent.fleet.update``).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from device_agent.fleet.probe.bounds import Bounds
from device_agent.fleet.probe.stretch import Stretch
from device_agent.fleet.update.port import Verdict

_CHANCE_SCANS: Final = 2
"""So many scans more or less fall into a time by chance; of a slow sensor they are all there is."""

_SILENT_S: Final = 15.0
"""Sensing that takes no sample for so long has stopped, unless none was to be expected."""

_LOW_SCORE: Final = 0.1
_UNUSUAL: Final = 3.0
"""Standard deviations of a count (Poisson) that a process which kept ending before may be off by."""

_FEW_EVENTS: Final = 3
_DRAINED_SHARE: Final = 0.2


class Case(NamedTuple):
    """What is judged.

    Attributes:
        before: Under the old version.
        since: Since the activation.
        age_s: Of the activation.
        bounds: Within which the version stays.
    """

    before: Stretch
    since: Stretch
    age_s: float
    bounds: Bounds

    @property
    def silent(self) -> list[str]:
        """Processes that have not yet said anything, or no longer do; without those that said nothing before."""
        return [name for name in self.since.silent if name not in self.before.silent]


def judge(case: Case) -> Verdict | None:
    """The verdict; ``None`` where it is too early."""
    early = next((reason for rule in _AT_ONCE if (reason := rule(case))), "")
    if early:
        return Verdict(good=False, reason=early)
    if case.age_s < case.bounds.window_s:
        return None
    late = next((reason for rule in _BY_EVIDENCE if (reason := rule(case))), "")
    if late:
        return Verdict(good=False, reason=late)
    lacking = _lacking(case)
    if not lacking:
        return Verdict(good=True, reason=_figures(case))
    if case.age_s >= case.bounds.timeout_s:
        return Verdict(good=False, reason=f"no verdict within {case.bounds.timeout_s:g} s: {lacking}")
    return None


def _ended(case: Case) -> str:
    ends, before = case.since.ends, case.before
    usual = before.ends * max(case.age_s, case.bounds.window_s) / before.seconds if before.seconds else 0.0
    most = case.bounds.health.max_restarts + (usual + _UNUSUAL * usual**0.5 if usual else 0)
    return f"crashes: {ends} ends of a process nobody asked for, {most:.0f} allowed" if ends > most else ""


def _not_started(case: Case) -> str:
    if not case.silent or case.age_s < case.bounds.limits.start_within_s:
        return ""
    return f"never starts: nothing heard of {', '.join(case.silent)} for {case.bounds.limits.start_within_s:g} s"


def _refused(case: Case) -> str:
    return f"refused: {case.since.refused or 'a model cannot be used'}" if case.since.refusals else ""


def _failed(case: Case) -> str:
    failed = sorted(set(case.since.failed) - set(case.before.failed))
    return f"sensors fail: {', '.join(failed)}" if failed else ""


def _standing(case: Case) -> str:
    """Nothing at all is worse than a low rate, and shows sooner: once several scans should have come."""
    is_due = case.since.sensing_s * case.before.samples_per_s > _CHANCE_SCANS * _scan_samples(case)
    stands = case.since.sensing_s >= _SILENT_S and not case.since.samples_per_s and is_due
    return f"stops sampling: no sample in {case.since.sensing_s:.0f} s" if stands else ""


def _too_large(case: Case) -> str:
    used, most = case.since.memory_mib, case.bounds.memory_mib
    return f"memory: {used:.0f} MiB, {most:g} allowed" if used > most else ""


def _slower(case: Case) -> str:
    rate, least = case.since.samples_per_s, case.bounds.health.min_rate * case.before.samples_per_s
    if (least - rate) * case.since.sensing_s <= _CHANCE_SCANS * _scan_samples(case):
        return ""
    return f"stops sampling: {rate:.2f} samples a second, {case.before.samples_per_s:.2f} before"


def _scan_samples(case: Case) -> float:
    """Channel values of one scan, as before."""
    before = case.before
    return before.samples_per_s * before.sensing_s / before.scans if before.scans else 0.0


def _gappy(case: Case) -> str:
    share, before = case.since.gap_share, case.before.gap_share
    if share <= before + case.bounds.health.max_gap_share:
        return ""
    return f"gaps: {share:.1%} of the values are missing, {before:.1%} before"


def _leaking(case: Case) -> str:
    since, bounds = case.since, case.bounds
    allowed = max(0.0, case.before.memory_growth_mib_per_min) + bounds.growth_mib_per_min
    if since.memory_growth_mib <= bounds.limits.memory_noise_mib or since.memory_growth_mib_per_min <= allowed:
        return ""
    return (
        f"leaks memory: {since.memory_growth_mib:.1f} MiB more, "
        f"{since.memory_growth_mib_per_min:.1f} MiB a minute, {allowed:.1f} allowed"
    )


def _burning(case: Case) -> str:
    share, before = case.since.cpu_share, case.before.cpu_share
    most = min(case.bounds.health.max_cpu_share, before + case.bounds.limits.cpu_more)
    return f"burns CPU: {share:.0%} of a core, {most:.0%} allowed, {before:.0%} before" if share > most else ""


def _alarming(case: Case) -> str:
    since, before, bounds = case.since, case.before, case.bounds
    if since.alarm_share > before.alarm_share + bounds.health.max_anomalous_share:
        return f"false alarms: {since.alarm_share:.1%} of windows over the threshold, {before.alarm_share:.1%} before"
    expected = before.opened * since.seconds / before.seconds if before.seconds else 0.0
    if since.opened > expected + bounds.limits.more_episodes:
        return f"false alarms: {since.opened} episodes opened, {expected:.1f} expected by the rate of before"
    return ""


def _shifted(case: Case) -> str:
    score, before = case.since.middle_score, case.before.middle_score
    if score is None or before is None or score <= max(_LOW_SCORE, case.bounds.limits.score_factor * before):
        return ""
    return f"scores moved: the middle one is {score:.2f}, {before:.2f} before"


def _damming(case: Case) -> str:
    """Accepted events that nobody takes although there is a link; without one this says nothing."""
    since, before = case.since, case.before
    linked = since.connected_s >= case.bounds.window_s / 2
    if not linked or since.accepted < _FEW_EVENTS or not before.accepted:
        return ""
    expected = since.accepted * before.acknowledged / before.accepted
    if since.acknowledged >= _DRAINED_SHARE * expected:
        return ""
    return (
        f"stops draining: {since.accepted} events accepted, {since.acknowledged} messages acknowledged "
        f"in {since.connected_s:.0f} s with a link, {expected:.0f} expected"
    )


def _least_scans(case: Case) -> int:
    """As many as are asked for, but of a slow sensor no more than half of what it made in the longest time before."""
    before = case.before
    made = before.scans / before.seconds * case.bounds.timeout_s if before.seconds else 0.0
    return min(case.bounds.health.min_scans, max(1, int(made / 2)))


def _lacking(case: Case) -> str:
    """What evidence is missing; what was not there before is not asked for."""
    if case.silent:
        return f"nothing heard of {', '.join(case.silent)}"
    if case.since.sensing_s < case.bounds.window_s / 2:
        return f"seen sensing for {case.since.sensing_s:.0f} s only"
    if not case.before.sensing_s and not case.since.samples_per_s:
        return "no sample taken, and nothing known of before"
    least = _least_scans(case)
    if case.before.scans and case.since.scans < least:
        return f"{case.since.scans} scans seen, {least} needed"
    if case.before.windows and not case.since.windows:
        return "no window judged"
    return ""


def _figures(case: Case) -> str:
    since, before = case.since, case.before
    return (
        f"{since.samples_per_s:.2f} samples a second ({before.samples_per_s:.2f} before), "
        f"{since.windows} windows, {since.alarm_share:.1%} over the threshold ({before.alarm_share:.1%}), "
        f"{since.memory_mib:.0f} MiB ({before.memory_mib:.0f}), "
        f"{since.cpu_share:.0%} of a core ({before.cpu_share:.0%})" + ("" if since.connected_s else ", offline")
    )


_Rule = Callable[[Case], str]
_AT_ONCE: Final[tuple[_Rule, ...]] = (_ended, _not_started, _refused, _standing, _too_large)
_BY_EVIDENCE: Final[tuple[_Rule, ...]] = (_failed, _slower, _gappy, _leaking, _burning, _alarming, _shifted, _damming)
