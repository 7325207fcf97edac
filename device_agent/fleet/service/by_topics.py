"""IoT Jobs by messages over a gateway's connection, be it an own one or a nucleus's: questions, and who awaits what.

An answer nobody waits for (any more) is counted and forgotten: the question is asked again.
Why not the SDK's client of jobs: ``docs/adr/0046-jobs-by-the-gateways-own-connection.md``.
"""

import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final, NamedTuple, TypeVar

from contract.topics import jobs_topic
from device_agent.fleet.service import messages
from device_agent.fleet.service.port import Execution, State, Tell, UnansweredError, Update
from device_agent.uplink.port import Deliver, Uplink

_NOBODY: Final[Tell] = lambda _: None  # noqa: E731 - a value like any other

logger = logging.getLogger(__name__)

T = TypeVar("T")


class _Question(NamedTuple):
    what: str
    read: Callable[[bytes], Any]
    answer: "Future[Any]"


class TopicJobs:
    """See ``device_agent.fleet.service.port.JobsService``.

    Args:
        uplink: Connected by somebody else, who hears for us what ``hears`` names.
        gateway_id: The thing.

    Attributes:
        counters: What was heard and could not be used.
    """

    def __init__(self, uplink: Uplink, gateway_id: str) -> None:
        self._uplink = uplink
        self._gateway_id = gateway_id
        self._tell = _NOBODY
        self._questions: dict[str, _Question] = {}
        self._numbers = itertools.count(1)
        self._mine = secrets.token_hex(6)  # another process's answers may still be on their way
        self.counters = dict.fromkeys(("jobs.unawaited", "jobs.malformed"), 0)

    @property
    def connects(self) -> int:
        """See ``JobsService``."""
        link = self._uplink.link
        return link.connects if link.connected else -1

    def hears(self) -> Mapping[str, Deliver]:
        """Who gets what, for ``Uplink.connect``."""
        return {
            self._topic("notify"): self._notified,
            self._topic("notify-next"): lambda _: self._tell(None),
            self._topic(f"+/get/{messages.ACCEPTED}"): self._accepted,
            self._topic(f"+/get/{messages.REJECTED}"): self._refused,
            self._topic(f"+/update/{messages.ACCEPTED}"): self._accepted,
            self._topic(f"+/update/{messages.REJECTED}"): self._refused,
        }

    def listen(self, tell: Tell) -> None:
        """See ``JobsService``."""
        self._tell = tell

    def describe(
        self, job_id: str = "", execution_number: int = 0, *, whole: bool = True
    ) -> "Future[Execution | None]":
        """See ``JobsService``."""
        token = self._token()
        question = messages.question_describe(execution_number, token, whole=whole)
        return self._ask(f"{job_id or messages.NEXT}/get", question, token, messages.read_execution)

    def update(self, job_id: str, update: Update) -> "Future[State]":
        """See ``JobsService``."""
        token = self._token()
        return self._ask(f"{job_id}/update", messages.question_update(update, token), token, messages.read_state)

    def _topic(self, what: str) -> str:
        return jobs_topic(self._gateway_id, what)

    def _token(self) -> str:
        return f"{self._mine}-{next(self._numbers)}"

    def _ask(self, what: str, question: bytes, token: str, read: Callable[[bytes], T]) -> "Future[T]":
        answer: Future[T] = Future()
        if self.connects < 0:
            answer.set_exception(UnansweredError(f"{what}: {self._uplink.link.reason or 'not connected'}"))
            return answer
        self._questions[token] = _Question(what, read, answer)
        answer.add_done_callback(lambda _: self._questions.pop(token, None))
        sent = self._uplink.publish(self._topic(what), question)
        sent.add_done_callback(lambda done: _fail_unsent(answer, what, done))
        return answer

    def _notified(self, payload: bytes) -> None:
        with self._reading("notify"):
            self._tell(messages.read_open(payload))

    def _accepted(self, payload: bytes) -> None:
        question = self._asked(payload)
        if question is None:
            return
        with self._reading(question.what), contextlib.suppress(InvalidStateError):
            question.answer.set_result(question.read(payload))

    def _refused(self, payload: bytes) -> None:
        question = self._asked(payload)
        if question is None:
            return
        with self._reading(question.what), contextlib.suppress(InvalidStateError):
            question.answer.set_exception(messages.read_refusal(payload, question.what))

    def _asked(self, payload: bytes) -> _Question | None:
        question = self._questions.get(messages.token_of(payload))
        if question is None:
            self.counters["jobs.unawaited"] += 1
        return question

    @contextlib.contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            yield
        except ValueError as exc:
            self.counters["jobs.malformed"] += 1
            logger.warning("jobs.malformed", extra={"what": what, "reason": str(exc)})


def _fail_unsent(answer: "Future[Any]", what: str, sent: "Future[None]") -> None:
    if (error := sent.exception()) is not None:
        with contextlib.suppress(InvalidStateError):
            answer.set_exception(UnansweredError(f"{what}: {error}"))
