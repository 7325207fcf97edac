"""What a job execution is, and what this version answers: it cannot carry any out, and says so.

A job that nobody answers stays the next one for ever, and hides every later one of this device. So each is rejected,
with the reason, where its sender sees it.
Source: AWS IoT Developer Guide, Jobs MQTT API. Not here: topics and the connection (``fleet_agent``).
"""

from typing import Any, Final

import msgspec

from device_agent import VERSION

_NEXT: Final = "execution"
_OPEN: Final = frozenset({"QUEUED", "IN_PROGRESS"})
_OF_GREENGRASS: Final = ("fleetConfigArn", "configurationArn", "deploymentId")
_LONGEST_REASON: Final = 1024
"""Characters of one status detail."""


class Execution(msgspec.Struct, frozen=True, rename="camel"):
    """One job for this device.

    Attributes:
        job_id: Its name.
        status: Of this execution.
        version_number: Counts its changes.
        job_document: What is asked; its form is the sender's.
    """

    job_id: str
    status: str = "QUEUED"
    version_number: int = 0
    job_document: Any = None


class Told(msgspec.Struct, frozen=True):
    """A message of ``notify-next`` or ``$next/get/accepted``; without ``execution``, there is no job."""

    execution: Execution | None = None


class Answer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message to ``<job id>/update``."""

    status: str
    status_details: dict[str, str]
    expected_version: int = 0
    client_token: str = ""


def heard(payload: bytes) -> Execution | None:
    """The job a message names; none where it says that there is none.

    Raises:
        ValueError: It is no such message.
    """
    message = msgspec.json.decode(payload)
    if isinstance(message, dict) and message.get(_NEXT) == {}:
        return None
    return msgspec.convert(message, Told).execution


def answer_to(job: Execution) -> Answer | None:
    """What to say to a job; nothing to one that is over, or that the nucleus carries out itself."""
    if job.status not in _OPEN or is_of_greengrass(job):
        return None
    reason = f"Thresher {VERSION} carries out no jobs on this device: deploy components instead"
    return Answer(
        status="REJECTED",
        status_details={"reason": reason[:_LONGEST_REASON]},
        expected_version=job.version_number,
        client_token=f"thresher-{job.version_number}",
    )


def is_of_greengrass(job: Execution) -> bool:
    """Whether it is a deployment. Those live in a namespace of their own and should not be seen here at all."""
    document = job.job_document
    return isinstance(document, dict) and any(key in document for key in _OF_GREENGRASS)
