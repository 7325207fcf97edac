"""IoT Jobs on the wire: topics, questions and answers as bytes.

```
$next/get, <job>/get        ─▶ <same>/accepted   {"execution": {…}}         or rejected {"code": …, "message": …,
<job>/update                ─▶ <same>/accepted   {"executionState": {…}}                 "executionState": {…}}
notify                      ◀─ {"jobs": {"QUEUED": [{"jobId": …}], …}}      what is not over, ten or fifteen at most
notify-next                 ◀─ {"execution": {…}}                           what is next
```
An answer carries the question's ``clientToken``; times are Unix seconds. Source: AWS IoT Developer Guide, "Jobs device
MQTT API operations" and "Jobs notifications".

Not here: waiting for an answer (``by_topics``).
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from device_agent.fleet.service.port import Execution, Named, RefusedError, State, Update

NEXT: Final = "$next"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"

JobId = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}\Z")]
"""As the service has it, and nothing else: it becomes part of topics and of file names."""


class _Execution(msgspec.Struct, frozen=True, rename="camel"):
    job_id: JobId
    execution_number: Annotated[int, Meta(ge=1)] = 1
    status: str = "QUEUED"
    version_number: int = 0
    queued_at: float = 0
    job_document: Any = None


class _Described(msgspec.Struct, frozen=True):
    execution: _Execution | None = None


class _Updated(msgspec.Struct, frozen=True, rename="camel"):
    execution_state: State = State()


class _Refused(msgspec.Struct, frozen=True, rename="camel"):
    code: str = ""
    message: str = ""
    execution_state: State | None = None


class _Summary(msgspec.Struct, frozen=True, rename="camel"):
    job_id: str
    execution_number: int = 1


class _Listed(msgspec.Struct, frozen=True):
    jobs: dict[str, list[_Summary]] = {}


class _Tokened(msgspec.Struct, frozen=True, rename="camel"):
    client_token: str = ""


def question_describe(execution_number: int, token: str, *, whole: bool = True) -> bytes:
    """To ``<job>/get``; without a number, the newest execution; ``whole`` is with its document."""
    question: dict[str, Any] = {"includeJobDocument": whole, "clientToken": token}
    if execution_number:
        question["executionNumber"] = execution_number
    return msgspec.json.encode(question)


def question_update(update: Update, token: str) -> bytes:
    """To ``<job>/update``."""
    question: dict[str, Any] = msgspec.to_builtins(update)
    question["statusDetails"] = update.status_details  # left out, the service would keep the ones before
    return msgspec.json.encode(question | {"includeJobExecutionState": True, "clientToken": token})


def token_of(answer: bytes) -> str:
    """Whose answer it is; empty where it does not say, or is none."""
    try:
        return msgspec.json.decode(answer, type=_Tokened).client_token
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def read_execution(answer: bytes) -> Execution | None:
    """An execution; ``None`` where there is none, which comes as a missing, null or empty one.

    Raises:
        ValueError: It is no such answer.
    """
    told = msgspec.json.decode(answer)
    if isinstance(told, dict) and told.get("execution") == {}:
        return None
    execution = msgspec.convert(told, _Described).execution
    return None if execution is None else Execution(**msgspec.structs.asdict(execution))


def read_state(answer: bytes) -> State:
    """The state after an update.

    Raises:
        ValueError: It is no such answer.
    """
    return msgspec.json.decode(answer, type=_Updated).execution_state


def read_refusal(answer: bytes, what: str) -> RefusedError:
    """Why a question was refused.

    Raises:
        ValueError: It is no such answer.
    """
    refused = msgspec.json.decode(answer, type=_Refused)
    return RefusedError(f"{what}: {refused.code}: {refused.message}", code=refused.code, state=refused.execution_state)


def read_open(notification: bytes) -> Named:
    """What a notification says is not over.

    Raises:
        ValueError: It is no such notification.
    """
    listed = msgspec.json.decode(notification, type=_Listed)
    return frozenset((each.job_id, each.execution_number) for jobs in listed.jobs.values() for each in jobs)
