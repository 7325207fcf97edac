"""Every fault there is, with what it may cost.

Not here: what a fault does (its own module), the verdict (``row``).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from bench.comebacks import Comeback, backlog_24h, offline_72h
from bench.faults import brokers, clouds, damages, disks, identities, kills, links, loads, times
from bench.faults.row import RESUME_S, Row
from bench.faults.scene import Stage

_SLOW_S: Final = 30.0


class Fault(NamedTuple):
    """One row.

    Attributes:
        name: Of the row.
        run: Injects it.
        may_declare: Whether it may force events to be given up openly.
        resume_s: The longest recovery allowed; ``None`` where nothing is promised.
        alone: Whether no other row may run beside it: it hurts the whole twin, or measures time.
        quick: Whether it belongs to the short run.
    """

    name: str
    run: Callable[[Stage], Row]
    may_declare: bool = False
    resume_s: float | None = None
    alone: bool = False
    quick: bool = False


def _comeback(found: Comeback) -> Row:
    return Row(
        fault=found.fault,
        injected=found.injected,
        accepted=found.accepted,
        stored=found.stored,
        declared=found.declared,
        lost=found.lost,
        duplicates=found.duplicates,
        recovery_s=found.recovery_s,
        promise=found.promise,
        note=f"{found.backlog} events of {found.hours} h drained in {found.drain_s} s; "
        f"{found.live} live ones at most {found.live_delay_p99_s} s late (p99)",
        broken=[] if found.passed else ["a live event was late, or something is missing"],
    )


def _day(stage: Stage) -> Row:
    return _comeback(backlog_24h(stage.deployment, stage.folder, "fault-backlog-24h", hours=stage.times(24, 2)))


def _three_days(stage: Stage) -> Row:
    return _comeback(offline_72h(stage.deployment, stage.folder, "fault-offline-72h", hours=stage.times(72, 2)))


CATALOGUE: Final = (
    Fault("kill_run", kills.kill_run, quick=True),
    Fault("kill_agent", kills.kill_agent, quick=True),
    Fault("kill_at_step", kills.kill_at_step, quick=True),
    Fault("link_reset", links.link_reset, resume_s=RESUME_S, quick=True),
    Fault("link_black_hole", links.link_black_hole, resume_s=RESUME_S),
    Fault("link_flapping", links.link_flapping, resume_s=RESUME_S),
    Fault("link_lossy", links.link_lossy, resume_s=_SLOW_S),
    Fault("broker_restart", brokers.broker_restart, resume_s=RESUME_S),
    Fault("disk_full", disks.disk_full, may_declare=True, resume_s=_SLOW_S, quick=True),
    Fault("disk_read_only", disks.disk_read_only, resume_s=_SLOW_S),
    Fault("disk_slow", disks.disk_slow),
    Fault("quota", disks.quota, may_declare=True),
    Fault("clock_jump_hour", times.clock_jump_hour),
    Fault("clock_jump_decade", times.clock_jump_decade),
    Fault("storm_10x", loads.storm_10x),
    Fault("memory_limit", loads.memory_limit, resume_s=RESUME_S),
    Fault("spool_corrupted", damages.spool_corrupted, may_declare=True, quick=True),
    Fault("identity_cloned", identities.identity_cloned),
    Fault("certificate_renewed", identities.certificate_renewed),
    Fault("certificate_expired", identities.certificate_expired, resume_s=RESUME_S),
    Fault("certificate_revoked", identities.certificate_revoked, resume_s=_SLOW_S),
    Fault("poison", clouds.poison, may_declare=True, quick=True),
    Fault("lambda_throttled", clouds.lambda_throttled, alone=True),
    Fault("lambda_failing", clouds.lambda_failing, alone=True),
    Fault("sqs_duplicates_reorder", clouds.sqs_duplicates_reorder, alone=True, quick=True),
    Fault("dynamodb_throttled", clouds.dynamodb_throttled, alone=True),
    Fault("cloud_silent_24h", loads.cloud_silent_24h, alone=True),
    Fault("backlog_24h", _day, alone=True),
    Fault("offline_72h", _three_days, alone=True),
)
