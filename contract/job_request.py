"""What IoT Jobs is asked to create, as the service names it (AWS IoT API reference, CreateJob).

The limits that can be checked without the service are checked here, so that a plan is refused before anything exists.
Not here: the document's actions (``jobs``).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

MAX_TARGETS: Final = 100
"""Things and groups of one job (AWS IoT API reference, AssociateTargetsWithJob)."""
MAX_DOCUMENT: Final = 32_768
"""Characters of a job's document (CreateJob)."""

PerMinute = Annotated[int, Meta(ge=1, le=1000)]


class RateIncrease(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """When the rate rises: after so many gateways were successful."""

    number_of_succeeded_things: Annotated[int, Meta(ge=1)]


class ExponentialRate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How fast the service tells gateways: from ``base_rate_per_minute``, times ``increment_factor`` at each step."""

    base_rate_per_minute: PerMinute
    increment_factor: Annotated[float, Meta(ge=1.1, le=5)]
    rate_increase_criteria: RateIncrease


class RolloutRate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """At most so many gateways are told in a minute."""

    maximum_per_minute: PerMinute
    exponential_rate: ExponentialRate


class AbortCriterion(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """When the service cancels the job by itself; it cancels what is queued, never what runs."""

    failure_type: Literal["FAILED", "REJECTED", "TIMED_OUT", "ALL"]
    threshold_percentage: Annotated[float, Meta(gt=0, le=100)]
    min_number_of_executed_things: Annotated[int, Meta(ge=1)]
    action: Literal["CANCEL"] = "CANCEL"


class Abort(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Criteria, one of each failure type."""

    criteria_list: Annotated[list[AbortCriterion], Meta(min_length=1, max_length=4)]


class Timeout(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How long an execution may be in progress."""

    in_progress_timeout_in_minutes: Annotated[int, Meta(ge=1, le=10_080)]


class RetryCriterion(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How often the service tries an execution again; never one that was rejected."""

    failure_type: Literal["FAILED", "TIMED_OUT", "ALL"]
    number_of_retries: Annotated[int, Meta(ge=0, le=10)]


class Retries(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Criteria, one of each failure type."""

    criteria_list: Annotated[list[RetryCriterion], Meta(min_length=1, max_length=2)]


class Window(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A maintenance window that comes again: a cron expression in UTC, and how long it is open."""

    start_time: Annotated[str, Meta(pattern=r"^cron\(.+\)$", max_length=256)]
    duration_in_minutes: Annotated[int, Meta(ge=1, le=1430)]


class Schedule(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """When a job begins and ends, ``YYYY-MM-DDThh:mm`` UTC, and in which windows gateways are told."""

    start_time: str | None = None
    end_time: str | None = None
    end_behavior: Literal["STOP_ROLLOUT", "CANCEL", "FORCE_CANCEL"] | None = None
    maintenance_windows: list[Window] | None = None


class Presigned(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who signs the address of the bundle, and how long it holds."""

    role_arn: Annotated[str, Meta(min_length=20, max_length=2048)]
    expires_in_sec: Annotated[int, Meta(ge=60, le=3600)] = 3600


class JobRequest(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """CreateJob's parameters.

    Attributes:
        job_id: The same id is the same job: asking twice creates one.
        targets: ARNs of things and groups.
        document: JSON, as ``contract.jobs`` has it.
        description: For a person.
        target_selection: ``SNAPSHOT`` ends when all have answered; ``CONTINUOUS`` goes on for who joins a group.
    """

    job_id: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
    targets: list[str]
    document: Annotated[str, Meta(max_length=MAX_DOCUMENT)]
    presigned_url_config: Presigned
    timeout_config: Timeout
    description: Annotated[str, Meta(max_length=2028)] = ""
    target_selection: Literal["SNAPSHOT", "CONTINUOUS"] = "SNAPSHOT"
    job_executions_rollout_config: RolloutRate | None = None
    abort_config: Abort | None = None
    job_executions_retry_config: Retries | None = None
    scheduling_config: Schedule | None = None

    def parameters(self) -> dict[str, Any]:
        """As the service takes them; what is not given is absent."""
        given: dict[str, Any] = msgspec.to_builtins(self)
        return given
