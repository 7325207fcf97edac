"""What a stretch of time was like: rates and shares from several looks at counters.

Counters begin at 0 with every process, so what lies between two looks is counted only where both are of one process;
the time of a restart is no time in which something failed to happen.
Not here: whether that is good (``judgement``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import msgspec

from device_agent.filters.tally import EDGES
from device_agent.fleet.probe.look import Look, Sensed

_OVER = EDGES.index(1.0) + 1
_FEWEST_FOR_SLOPE = 6
_WARM_S = 20.0
"""Of a process's life, in which it loads what it needs."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time.

    Attributes:
        seconds: From the first look to the last.
        sensing_s: Of these, how long one and the same sensing process was seen, by its own account: it says how it is
            once a second, and is looked at at other times.
        scans: Of all sensors.
        samples_per_s: Channel values taken, while it sensed.
        gap_share: Of all values that should have been there, those that were missing.
        windows: Judged.
        alarm_share: Of the windows, those over the threshold.
        middle_score: The upper edge of the bin that holds the middle score; ``None`` without windows.
        opened: Episodes that began.
        failed: Sensors that cannot be read, at the end.
        accepted: Events taken by the spool.
        acknowledged: Messages taken by the broker.
        connected_s: How long there was a link.
        backlog: Events that were not yet known to be stored: their growth.
        memory_mib: Of all processes together, the largest.
        memory_growth_mib: From the first third to the last.
        memory_growth_mib_per_min: The same by time.
        cpu_share: Of one core.
        ends: Of processes, that nobody asked for.
        silent: Processes that should run and said nothing at the end.
        refusals: Configurations and models that a process did not take.
        refused: What it said of the last one.
    """

    seconds: float = 0.0
    sensing_s: float = 0.0
    scans: int = 0
    samples_per_s: float = 0.0
    gap_share: float = 0.0
    windows: int = 0
    alarm_share: float = 0.0
    middle_score: float | None = None
    opened: int = 0
    failed: list[str] = []
    accepted: int = 0
    acknowledged: int = 0
    connected_s: float = 0.0
    backlog: int = 0
    memory_mib: float = 0.0
    memory_growth_mib: float = 0.0
    memory_growth_mib_per_min: float = 0.0
    cpu_share: float = 0.0
    ends: int = 0
    silent: list[str] = []
    refusals: int = 0
    refused: str = ""


def stretch(looks: Sequence[Look]) -> Stretch:
    """What they show; the oldest first."""
    if not looks:
        return Stretch()
    pairs, last = list(pairwise(looks)), looks[-1]
    sensing = list(_sensing(pairs))
    sensing_s = sum(after.uptime_ms - before.uptime_ms for before, after in sensing) / 1000
    samples = sum(after.samples - before.samples for before, after in sensing)
    missing = sum(_missing(after) - _missing(before) for before, after in sensing)
    scores = _scores(sensing)
    windows = sum(scores)
    growth, per_min = _growth(looks)
    forwarding = _forwarding(pairs)
    return Stretch(
        seconds=last.at_s - looks[0].at_s,
        sensing_s=sensing_s,
        scans=_sum(sensing, lambda sensed: sum(one.scans for one in sensed.sensors.values())),
        samples_per_s=samples / sensing_s if sensing_s else 0.0,
        gap_share=missing / (samples + missing) if samples + missing else 0.0,
        windows=windows,
        alarm_share=sum(scores[_OVER:]) / windows if windows else 0.0,
        middle_score=_middle(scores),
        opened=_sum(sensing, lambda sensed: sum(each.opened for each in sensed.filters.values())),
        failed=[name for name, one in last.sensed.sensors.items() if one.state == "failed"] if last.sensed else [],
        accepted=_sum(sensing, lambda sensed: sensed.accepted),
        refusals=_refusals(pairs),
        refused=_refused(looks),
        memory_mib=max(_memory_mib(look) for look in looks),
        memory_growth_mib=growth,
        memory_growth_mib_per_min=per_min,
        cpu_share=_cpu_share(pairs),
        ends=last.ends - looks[0].ends,
        silent=_silent(last),
        acknowledged=forwarding.acknowledged,
        connected_s=forwarding.connected_s,
        backlog=forwarding.backlog,
    )


_Pair = tuple[Sensed, Sensed]


def _sensing(pairs: Iterable[tuple[Look, Look]]) -> Iterator[_Pair]:
    for early, late in pairs:
        before, after = early.sensed, late.sensed
        if before and after and before.pid == after.pid and after.uptime_ms >= before.uptime_ms:
            yield before, after


def _sum(sensing: Sequence[_Pair], count: Callable[[Sensed], int]) -> int:
    return sum(count(after) - count(before) for before, after in sensing)


def _silent(look: Look) -> list[str]:
    said = {"run": look.sensed is not None, "agent": look.forwarded is not None}
    return [name for name in look.awaited if not said.get(name, True)]


def _missing(sensed: Sensed) -> int:
    """Values: a scan that was not taken lacks as many as those that were had on average, at least one."""
    return sum(one.gaps + one.missed + one.shed for one in sensed.sensors.values())


def _refusals(pairs: Iterable[tuple[Look, Look]]) -> int:
    """In one process; it may have begun its work anew meanwhile, by the configuration of before."""
    total = 0
    for early, late in pairs:
        if early.sensed and late.sensed and early.sensed.pid == late.sensed.pid:
            before, after = _refusals_of(early.sensed), _refusals_of(late.sensed)
            total += after - before if after >= before else after
    return total


def _refusals_of(sensed: Sensed) -> int:
    return sum(
        count for name, count in sensed.counters.items() if name.endswith(("configuration_refused", ".models_refused"))
    )


def _refused(looks: Sequence[Look]) -> str:
    told = [each for look in looks if look.sensed for each in look.sensed.degraded if "not taken" in each]
    return told[-1] if told else ""


def _scores(sensing: Sequence[_Pair]) -> list[int]:
    total = [0] * (len(EDGES) + 1)
    for before, after in sensing:
        for name, one in after.filters.items():
            if len(one.scores) == len(total):
                old = before.filters[name].scores if name in before.filters else [0] * len(total)
                total = [whole + new - gone for whole, new, gone in zip(total, one.scores, old, strict=True)]
    return total


def _middle(scores: Sequence[int]) -> float | None:
    half = sum(scores) / 2
    return next(
        (edge for edge, seen in zip((*EDGES, 2 * EDGES[-1]), accumulate(scores), strict=True) if half < seen), None
    )


def _memory_mib(look: Look) -> float:
    return sum(used.rss_bytes for used in look.used.values()) / 2**20


def _growth(looks: Sequence[Look]) -> tuple[float, float]:
    """MiB, and MiB a minute: middle of the last third against that of the first, of the processes of now, once warm."""
    pids = {used.pid for used in looks[-1].used.values()}
    same = [look for look in looks if {used.pid for used in look.used.values()} == pids]
    if same:
        warm_at_s = same[0].at_s + min(_WARM_S, (same[-1].at_s - same[0].at_s) / 3)
        same = [look for look in same if look.at_s >= warm_at_s]
    if len(same) < _FEWEST_FOR_SLOPE:
        return 0.0, 0.0
    third = len(same) // 3
    first, last = same[:third], same[-third:]
    growth = _middle_of(map(_memory_mib, last)) - _middle_of(map(_memory_mib, first))
    apart_s = _middle_of(look.at_s for look in last) - _middle_of(look.at_s for look in first)
    return growth, 60 * growth / apart_s if apart_s else 0.0


def _cpu_share(pairs: Sequence[tuple[Look, Look]]) -> float:
    cpu_s = seconds = 0.0
    for early, late in pairs:
        seconds += late.at_s - early.at_s
        for name, used in late.used.items():
            before = early.used.get(name)
            same = before is not None and before.pid == used.pid
            cpu_s += used.cpu_s - (before.cpu_s if before is not None and same else 0.0)
    return cpu_s / seconds if seconds else 0.0


class _Forwarding(NamedTuple):
    acknowledged: int
    connected_s: float
    backlog: int


def _forwarding(pairs: Sequence[tuple[Look, Look]]) -> _Forwarding:
    acknowledged = backlog = 0
    connected_s = 0.0
    for early, late in pairs:
        before, after = early.forwarded, late.forwarded
        if before is None or after is None:
            continue
        acknowledged += max(0, after.acknowledged - before.acknowledged)
        backlog += sum(after.pending.values()) - sum(before.pending.values())
        connected_s += late.at_s - early.at_s if before.connected and after.connected else 0.0
    return _Forwarding(acknowledged, connected_s, backlog)


def _middle_of(values: Iterable[float]) -> float:
    """As ``statistics.median_high``, whose module costs a small process a megabyte."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
