"""One job of a rollout as IoT Jobs is asked for it: rate, abort, timeout, retries, schedule.

Source of the limits: AWS IoT API reference, CreateJob and SchedulingConfig. A job with maintenance windows is
``CONTINUOUS``, so that it is there in the next window for whoever missed this one.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from contract.job_request import (
    Abort,
    AbortCriterion,
    ExponentialRate,
    JobRequest,
    Presigned,
    RateIncrease,
    Retries,
    RetryCriterion,
    RolloutRate,
    Schedule,
    Timeout,
    Window,
)
from contract.rollout import Release
from operations.errors import OperationError
from operations.fleet.settings import Settings

_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
_LEAST_PERCENT: Final = 0.01


class Cargo(msgspec.Struct, frozen=True, kw_only=True):
    """What the jobs of a rollout have in common.

    Attributes:
        release: What they bring.
        document: What gateways are asked.
        unwind_document: The same for the way back; empty where there is none.
        role_arn: As whom IoT Jobs signs addresses.
    """

    release: Release
    document: str
    unwind_document: str
    role_arn: str


def request(cargo: Cargo, settings: Settings, *, job_id: str, arns: list[str], gateways: int) -> JobRequest:
    """The request for one job.

    Raises:
        OperationError: A window or time is not as the service takes it.
    """
    base = min(settings.rate)
    schedule = _schedule(settings)
    return JobRequest(
        job_id=job_id,
        targets=arns,
        document=cargo.document,
        description=f"of rollout {job_id.rsplit('-', 1)[0]}; its workflow alone promotes it",
        target_selection="CONTINUOUS" if schedule and schedule.maintenance_windows else "SNAPSHOT",
        presigned_url_config=Presigned(role_arn=cargo.role_arn),
        timeout_config=Timeout(in_progress_timeout_in_minutes=settings.timeout_minutes),
        job_executions_rollout_config=RolloutRate(
            maximum_per_minute=max(settings.rate),
            exponential_rate=ExponentialRate(
                base_rate_per_minute=base,
                increment_factor=2.0,
                rate_increase_criteria=RateIncrease(number_of_succeeded_things=min(base, gateways)),
            ),
        ),
        abort_config=_abort(max(settings.failed_percent, _LEAST_PERCENT), least=min(base, gateways)),
        job_executions_retry_config=_retries(settings.retries),
        scheduling_config=schedule,
    )


def _abort(percent: float, *, least: int) -> Abort:
    criterion = AbortCriterion(
        failure_type="ALL", threshold_percentage=round(percent, 2), min_number_of_executed_things=least
    )
    return Abort(criteria_list=[criterion])


def _retries(number: int) -> Retries | None:
    kinds: tuple[Literal["FAILED", "TIMED_OUT"], ...] = ("FAILED", "TIMED_OUT")
    criteria = [RetryCriterion(failure_type=kind, number_of_retries=number) for kind in kinds]
    return Retries(criteria_list=criteria) if number else None


def _schedule(settings: Settings) -> Schedule | None:
    for name, time in (("--start", settings.start), ("--end", settings.end)):
        if time and not _TIME.fullmatch(time):
            raise OperationError(f"{name} {time}", remedy="give YYYY-MM-DDThh:mm, UTC, half an hour ahead or more")
    windows = list(_windows(settings.windows))
    if not (windows or settings.start or settings.end):
        return None
    return Schedule(
        start_time=settings.start or None,
        end_time=settings.end or None,
        end_behavior="STOP_ROLLOUT" if settings.end else None,
        maintenance_windows=windows or None,
    )


def _windows(windows: list[str]) -> Iterator[Window]:
    for window in windows:
        cron, _, minutes = window.rpartition("/")
        if not (minutes.isdecimal() and cron.startswith("cron(") and cron.endswith(")")):
            raise OperationError(f"--window {window}", remedy="give e.g. 'cron(0 2 * * ? *)/180': UTC, and minutes")
        yield Window(start_time=cron, duration_in_minutes=int(minutes))
