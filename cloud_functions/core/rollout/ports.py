"""What the promoter needs from the world beside the table. Each has an adapter, and one in memory."""

from typing import Protocol

from cloud_functions.core.rollout.judging import Execution
from cloud_functions.core.views import JobView
from contract.job_request import JobRequest
from contract.rollout import Plan


class Jobs(Protocol):
    """AWS IoT Jobs. Any method may be repeated without harm and raises ``StoreError`` if a retry may help."""

    def create(self, request: JobRequest) -> None:
        """Creates the job; one of that id that exists already stays as it is."""

    def executions(self, job_id: str) -> list[Execution]:
        """Each gateway's latest execution; none of a job that does not exist."""

    def reason(self, job_id: str, gateway_id: str) -> str:
        """Why a gateway's latest execution ended as it did, in its own words; empty if it gave none."""

    def cancel(self, job_id: str, comment: str) -> None:
        """Takes back what is queued and what runs; a job that is over or does not exist stays as it is."""


class JobHistory(Protocol):
    """What a gateway was asked to do."""

    def latest(self, gateway_id: str) -> list[JobView]:
        """Its latest jobs, the last first; none of a thing that does not exist. Raises ``StoreError``."""


class Plans(Protocol):
    """Where operators put their plans."""

    def read(self, rollout_id: str) -> Plan:
        """The plan.

        Raises:
            StoreError: It cannot be read now.
            RejectedError: There is none, or none that is understood.
        """
