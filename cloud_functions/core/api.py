"""The query API: questions in, JSON out, and a clear sentence where there is no answer.

GET /api/fleet                                          every gateway at a glance
GET /api/gateways/{id}?minutes=15                       one gateway's last minutes (1 to 1440)
GET /api/gateways/{id}/episodes/{episode}/context       raw readings around an episode's onset
GET /api/gateways/{id}/reports?minutes=15               its readings by exception (1 to 1440)
GET /api/alerts?state=open|all                          open alerts, or the latest of all
GET /api/gateways/{id}/jobs                             its latest jobs, as IoT Jobs has them
GET /api/rollouts                                       the latest rollouts, and how they stand
GET /api/rollouts/{id}                                  one of them by its waves, with counts and reasons

It reads and never writes: what people say comes in by ``commands``. Who may ask is decided before it, by the API's
authorisation.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

import msgspec

from cloud_functions.core import detail, fleet, reported
from cloud_functions.core.errors import QueryError, StoreError
from cloud_functions.core.ports import Clock, Table
from cloud_functions.core.rollout import shown
from cloud_functions.core.rollout.ports import JobHistory
from cloud_functions.core.views import AnyView, ErrorView, JobsView
from contract.envelope import check_gateway_id
from contract.errors import ContractError

_MAX_MINUTES: Final = 1440
_DEFAULT_MINUTES: Final = "15"


AnyAnswer = AnyView | shown.RolloutsView | shown.RolloutDetailView


class Question(NamedTuple):
    """One request: a path, percent-encoded, and its query parameters, decoded."""

    path: str
    parameters: Mapping[str, str]


class Reply(NamedTuple):
    """HTTP status and JSON."""

    status: int
    body: bytes


class Api:
    """Answers questions.

    Args:
        table: What is read.
        clock: The cloud's time.
        history: Asked for a gateway's jobs.
    """

    def __init__(self, table: Table, clock: Clock, history: JobHistory) -> None:
        self._table = table
        self._clock = clock
        self._history = history

    def ask(self, question: Question) -> Reply:
        """Answers one question; never raises for what the caller asked."""
        try:
            return reply(200, self._answer(question))
        except QueryError as exc:
            return reply(exc.status, ErrorView(error=str(exc), remedy=exc.remedy))
        except StoreError:
            return reply(503, ErrorView(error="what is asked does not answer", remedy="ask again in a second"))

    def _answer(self, question: Question) -> AnyAnswer:
        now_ms = self._clock()
        match [unquote(part) for part in question.path.strip("/").split("/")]:
            case ["api", "fleet"]:
                return fleet.fleet(self._table, now_ms=now_ms)
            case ["api", "alerts"]:
                return fleet.alerts(self._table, only_open=_only_open(question.parameters), now_ms=now_ms)
            case ["api", "rollouts"]:
                return shown.rollouts(self._table)
            case ["api", "rollouts", rollout_id]:
                return shown.rollout(self._table, rollout_id)
            case ["api", "gateways", gateway_id, *rest]:
                return self._of_gateway(checked_gateway(gateway_id), rest, question, now_ms=now_ms)
        raise _unknown(question)

    def _of_gateway(self, gateway_id: str, rest: list[str], question: Question, *, now_ms: int) -> AnyAnswer:
        match rest:
            case []:
                return detail.detail(self._table, gateway_id, minutes=_minutes(question.parameters), now_ms=now_ms)
            case ["episodes", episode_id, "context"]:
                return detail.context(self._table, gateway_id, episode_id, now_ms=now_ms)
            case ["jobs"]:
                return JobsView(gateway_id=gateway_id, jobs=self._history.latest(gateway_id))
            case ["reports"]:
                return reported.reports(self._table, gateway_id, minutes=_minutes(question.parameters), now_ms=now_ms)
        raise _unknown(question)


def reply(status: int, view: AnyAnswer) -> Reply:
    """A view as an answer."""
    return Reply(status, msgspec.json.encode(view))


def checked_gateway(gateway_id: str) -> str:
    """The id; raises ``QueryError`` where it cannot be one."""
    try:
        return check_gateway_id(gateway_id)
    except ContractError as exc:
        raise QueryError(str(exc), status=400, remedy="GET /api/fleet lists the gateways") from exc


def _unknown(question: Question) -> QueryError:
    return QueryError(f"no such question: {question.path}", status=404, remedy="ask GET /api/fleet")


def _minutes(parameters: Mapping[str, str]) -> int:
    text = parameters.get("minutes", _DEFAULT_MINUTES)
    minutes = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_MINUTES)) else 0
    if not 1 <= minutes <= _MAX_MINUTES:
        raise QueryError(f"minutes={text!r}", status=400, remedy=f"use a whole number from 1 to {_MAX_MINUTES}")
    return minutes


def _only_open(parameters: Mapping[str, str]) -> bool:
    state = parameters.get("state", "open")
    if state not in ("open", "all"):
        raise QueryError(f"state={state!r}", status=400, remedy="use `open` or `all`")
    return state == "open"
