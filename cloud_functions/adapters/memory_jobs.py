"""Jobs and plans in memory, for tests and for trying rules out: whoever holds them answers as the gateways would."""

from typing import Final

from cloud_functions.core.errors import RejectedError
from cloud_functions.core.ports import Clock
from cloud_functions.core.rollout.judging import PENDING, Execution, JobStatus
from cloud_functions.core.views import JobView
from contract.job_request import JobRequest
from contract.rollout import Plan

_THING: Final = ":thing/"


class MemoryJobs:
    """Every job ever created, its executions and what gateways said.

    Args:
        clock: When things happen.

    Attributes:
        created: By job id, in their order.
        cancelled: By job id: why.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._executions: dict[str, dict[str, Execution]] = {}
        self._reasons: dict[tuple[str, str], str] = {}
        self.created: dict[str, JobRequest] = {}
        self.cancelled: dict[str, str] = {}

    def create(self, request: JobRequest) -> None:
        """See ``ports.Jobs``."""
        if request.job_id in self.created:
            return
        self.created[request.job_id] = request
        names = [target.split(_THING, 1)[1] for target in request.targets if _THING in target]
        self._executions[request.job_id] = {name: self._execution(name, "QUEUED", begun=False) for name in names}

    def executions(self, job_id: str) -> list[Execution]:
        """See ``ports.Jobs``."""
        return list(self._executions.get(job_id, {}).values())

    def reason(self, job_id: str, gateway_id: str) -> str:
        """See ``ports.Jobs``."""
        return self._reasons.get((job_id, gateway_id), "")

    def cancel(self, job_id: str, comment: str) -> None:
        """See ``ports.Jobs``."""
        executions = self._executions.get(job_id, {})
        if job_id in self.cancelled or not any(one.status in PENDING for one in executions.values()):
            return
        self.cancelled[job_id] = comment
        for name, one in executions.items():
            if one.status in PENDING:
                executions[name] = self._execution(name, "CANCELED", begun=one.begun)

    def latest(self, gateway_id: str) -> list[JobView]:
        """See ``ports.JobHistory``."""
        return [
            JobView(
                job_id=job_id,
                status=executions[gateway_id].status,
                number=executions[gateway_id].number,
                queued_ms=executions[gateway_id].updated_ms,
                updated_ms=executions[gateway_id].updated_ms,
            )
            for job_id, executions in reversed(self._executions.items())
            if gateway_id in executions
        ]

    def answer(self, job_id: str, gateway_id: str, status: JobStatus, reason: str = "") -> None:
        """What a gateway says of its execution."""
        self._executions[job_id][gateway_id] = self._execution(gateway_id, status, begun=True)
        self._reasons[job_id, gateway_id] = reason

    def _execution(self, name: str, status: JobStatus, *, begun: bool) -> Execution:
        return Execution(name, status, 1, self._clock() // 1000 * 1000, begun)


class MemoryPlans:
    """Plans by their ids."""

    def __init__(self, *plans: Plan) -> None:
        self._plans = {plan.rollout_id: plan for plan in plans}

    def read(self, rollout_id: str) -> Plan:
        """See ``ports.Plans``."""
        if rollout_id not in self._plans:
            raise RejectedError(f"no plan of rollout {rollout_id!r}")
        return self._plans[rollout_id]
