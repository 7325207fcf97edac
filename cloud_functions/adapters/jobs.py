"""AWS IoT Jobs by its control plane, and plans in a bucket."""

from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cloud_functions.core.errors import RejectedError, StoreError
from cloud_functions.core.rollout.judging import Execution
from cloud_functions.core.views import JobView
from contract.errors import ContractError
from contract.job_request import JobRequest
from contract.rollout import Plan, decode_plan, plan_key

_LATEST: Final = 50
_MISSING: Final = ("ResourceNotFoundException", "NoSuchKey")


class IotJobs:
    """See ``core.rollout.ports.Jobs``.

    Args:
        client: A boto3 ``iot`` client.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._client = client

    def create(self, request: JobRequest) -> None:
        """See ``ports.Jobs``."""
        try:
            self._client.create_job(**request.parameters())
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) != "ResourceAlreadyExistsException":
                raise StoreError(f"job {request.job_id}: {exc}") from exc

    def executions(self, job_id: str) -> list[Execution]:
        """See ``ports.Jobs``."""
        latest: dict[str, Execution] = {}
        try:
            pages = self._client.get_paginator("list_job_executions_for_job").paginate(jobId=job_id)
            for summary in (summary for page in pages for summary in page["executionSummaries"]):
                one = _execution(summary)
                if one.gateway_id not in latest or latest[one.gateway_id].number < one.number:
                    latest[one.gateway_id] = one
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) in _MISSING:
                return []
            raise StoreError(f"job {job_id}: {exc}") from exc
        return list(latest.values())

    def reason(self, job_id: str, gateway_id: str) -> str:
        """See ``ports.Jobs``."""
        try:
            found = self._client.describe_job_execution(jobId=job_id, thingName=gateway_id)["execution"]
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) in _MISSING:
                return ""
            raise StoreError(f"job {job_id} of {gateway_id}: {exc}") from exc
        return str(found.get("statusDetails", {}).get("detailsMap", {}).get("reason", ""))

    def cancel(self, job_id: str, comment: str) -> None:
        """See ``ports.Jobs``."""
        said = "".join(letter if letter.isprintable() else " " for letter in comment)[:2028] or "aborted"
        try:
            self._client.cancel_job(jobId=job_id, reasonCode="ROLLOUT_ABORTED", comment=said, force=True)
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) not in (*_MISSING, "InvalidRequestException"):  # the latter of a job that is over
                raise StoreError(f"job {job_id}: {exc}") from exc

    def latest(self, gateway_id: str) -> list[JobView]:
        """See ``ports.JobHistory``."""
        try:
            page = self._client.list_job_executions_for_thing(thingName=gateway_id, maxResults=_LATEST)
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) in _MISSING:
                return []
            raise StoreError(f"jobs of {gateway_id}: {exc}") from exc
        found = [_job(summary) for summary in page["executionSummaries"]]
        return sorted(found, key=lambda job: (-job.queued_ms, job.job_id))


class S3Plans:
    """See ``core.rollout.ports.Plans``.

    Args:
        client: A boto3 ``s3`` client.
        bucket: Where operators put them.
    """

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401 - a boto3 client
        self._client = client
        self._bucket = bucket

    def read(self, rollout_id: str) -> Plan:
        """See ``ports.Plans``."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=plan_key(rollout_id))["Body"].read()
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) in _MISSING:
                raise RejectedError(f"no plan of rollout {rollout_id!r}") from exc
            raise StoreError(f"plan of {rollout_id}: {exc}") from exc
        try:
            return decode_plan(body)
        except ContractError as exc:
            raise RejectedError(str(exc)) from exc


def _execution(summary: dict[str, Any]) -> Execution:
    said = summary["jobExecutionSummary"]
    return Execution(
        gateway_id=summary["thingArn"].rsplit("/", 1)[1],
        status=said["status"],
        number=said.get("executionNumber", 1),
        updated_ms=_ms(said["lastUpdatedAt"]),
        begun="startedAt" in said,
    )


def _job(summary: dict[str, Any]) -> JobView:
    said = summary["jobExecutionSummary"]
    return JobView(
        job_id=summary["jobId"],
        status=said["status"],
        number=said.get("executionNumber", 1),
        queued_ms=_ms(said["queuedAt"]),
        updated_ms=_ms(said["lastUpdatedAt"]),
    )


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _code(exc: Exception) -> str:
    return str(exc.response["Error"]["Code"]) if isinstance(exc, ClientError) else ""
