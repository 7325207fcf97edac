"""IoT Jobs for one thing on any broker: by the service's rules, and with what goes wrong on the way.

```
question ─▶ silent? ─▶ refused? ─▶ ledger ─▶ mute? ─▶ twice? ─▶ held, in another order? ─▶ answer
a change of what is open ─────────────────────────────▶ twice? ─▶ held …? ──────────────▶ notify, notify-next
```
MiniStack knows IoT Jobs, but neither retries, nor step timers by MQTT, nor a bad day; this is for those.

Not here: the rules (``device_agent.fleet.service.ledger``); a connection, see ``serve``.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from contract.topics import jobs_topic
from device_agent.fleet.service.ledger import Ledger
from device_agent.fleet.service.port import Execution, RefusedError, Update
from twin.nucleus.broker import Broker, Message

NEXT: Final = "$next"
Say = Callable[[str, bytes], object]


@dataclass
class Weather:
    """What goes wrong from now on; each number counts down to fair.

    Attributes:
        silent: Questions that do not arrive.
        mute: Questions that are heeded, and whose answer is lost.
        refusals: Codes with which the next updates are refused.
        twice: Whether everything that is said comes twice.
        held: Whether everything that is said waits for ``ScriptedJobs.release``.
    """

    silent: int = 0
    mute: int = 0
    refusals: list[str] = field(default_factory=list)
    twice: bool = False
    held: bool = False


class ScriptedJobs:
    """Any thread may call it.

    Args:
        gateway_id: The thing.
        say: Publishes.
        ledger: What the service knows.

    Attributes:
        weather: See there.
        heard: Questions by topic, in order.
    """

    def __init__(self, gateway_id: str, say: Say, *, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.weather = Weather()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._gateway_id, self._say = gateway_id, say
        self._held: list[tuple[str, bytes]] = []
        self._mutex = threading.RLock()
        self.ledger.on_change(self.notify)

    @property
    def asked(self) -> tuple[str, ...]:
        """The topics of all questions, as filters."""
        return jobs_topic(self._gateway_id, "+/get"), jobs_topic(self._gateway_id, "+/update")

    def hear(self, topic: str, payload: bytes) -> None:
        """One question."""
        job_id, what = topic.split("/")[-2:]
        question = msgspec.json.decode(payload)
        with self._mutex:
            self.heard.append((f"{job_id}/{what}", question))
            if self.weather.silent:
                self.weather.silent -= 1
                return
        answer, how = self._answer(job_id, what, question)
        with self._mutex:
            if self.weather.mute:
                self.weather.mute -= 1
                return
        self._publish(f"{job_id}/{what}/{how}", answer | {"clientToken": question.get("clientToken", "")})

    def notify(self) -> None:
        """Tells what is open, and what is next."""
        by_status: dict[str, list[dict[str, object]]] = {}
        for each in self.ledger.open():
            by_status.setdefault(each.status, []).append({"jobId": each.job_id, "executionNumber": each.number})
        self._publish("notify", {"timestamp": int(self.ledger.now_s), "jobs": by_status})
        self._publish("notify-next", {"timestamp": int(self.ledger.now_s), **_shown(self.ledger.next())})

    def release(self, source: random.Random) -> None:
        """Says what was held, in any order."""
        with self._mutex:
            self.weather.held = False
            held, self._held = self._held, []
        source.shuffle(held)
        for topic, payload in held:
            self._say(topic, payload)

    def _answer(self, job_id: str, what: str, question: dict[str, Any]) -> tuple[dict[str, Any], str]:
        try:
            if what == "update":
                return self._update(job_id, question), "accepted"
            found = (
                self.ledger.next()
                if job_id == NEXT
                else self.ledger.describe(job_id, question.get("executionNumber", 0))
            )
            return _shown(found, whole=question.get("includeJobDocument", True)), "accepted"
        except RefusedError as exc:
            state = {} if exc.state is None else {"executionState": msgspec.to_builtins(exc.state)}
            return {"code": exc.code, "message": str(exc), **state}, "rejected"

    def _update(self, job_id: str, question: dict[str, Any]) -> dict[str, Any]:
        with self._mutex:
            if self.weather.refusals:
                raise RefusedError("as the weather wants it", code=self.weather.refusals.pop(0))
        number = question.get("executionNumber") or self.ledger.of(job_id).number
        update = msgspec.convert({**question, "executionNumber": number}, Update)
        state = msgspec.to_builtins(self.ledger.update(job_id, update))
        return {"executionState": state} if question.get("includeJobExecutionState") else {}

    def _publish(self, what: str, answer: dict[str, Any]) -> None:
        message = jobs_topic(self._gateway_id, what), msgspec.json.encode(answer)
        with self._mutex:
            copies = [message] * (1 + self.weather.twice)
            if self.weather.held:
                self._held += copies
                return
        for topic, payload in copies:
            self._say(topic, payload)


def serve(broker: Broker, gateway_id: str) -> ScriptedJobs:
    """IoT Jobs for one thing, on a broker that is open."""
    jobs = ScriptedJobs(gateway_id, lambda topic, payload: broker.publish(Message(topic, payload)))
    for each in jobs.asked:
        broker.subscribe(each, lambda message: jobs.hear(message.topic, message.payload))
    return jobs


def _shown(execution: Execution | None, *, whole: bool = True) -> dict[str, Any]:
    if execution is None:
        return {}
    shown: dict[str, Any] = msgspec.to_builtins(execution)
    if not whole:
        del shown["jobDocument"]
    return {"execution": shown}
