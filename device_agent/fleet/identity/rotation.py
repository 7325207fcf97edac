"""A new key and certificate by job. The old pair stays usable until the new one has carried a message to the cloud.

```
asking ─▶ trying ─▶ confirming ─▶ done: SUCCEEDED
   │         │
   └────▶ undoing ─▶ done: FAILED
```
Every phase is journalled before it begins (``turn``); a process that ends anywhere goes on in the next one.

Not here: whose pair it is (``pair``, ``nucleus``), the cloud's side (``cloud_functions.core.renewal``).
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from contract.certificates import CertificateAnswer, CertificateRequest, Verb
from contract.jobs import Action, RotateCertificate
from device_agent.errors import ConfigError, SpoolError, ThresherError, UpdateError, UplinkError
from device_agent.fleet.identity.desk import TopicDesk
from device_agent.fleet.identity.pair import Means, Pair
from device_agent.fleet.identity.store import Store
from device_agent.fleet.identity.turn import Journal, Turn
from device_agent.fleet.port import Interrupted, Outcome, Task
from device_agent.uplink.port import Deliver

ASK_S: Final = 600.0
WITHDRAW_S: Final = 60.0


class CancelledError(ThresherError):
    """The cloud took the job back."""


class Rotation:
    """Carries out ``rotateCertificate``. See ``Performer``.

    Args:
        pair: The key and certificate that count.
        store: Where the journal lies.
        desk: The cloud's.
        obstacle: Why this gateway's certificate can never be renewed by job; empty if it can.
        ask_s: How long a question to the cloud may take.
    """

    def __init__(
        self, pair: Pair, store: Store, *, desk: TopicDesk, obstacle: Callable[[], str], ask_s: float = ASK_S
    ) -> None:
        self._pair = pair
        self._store = store
        self._desk = desk
        self._obstacle = obstacle
        self._ask_s = ask_s
        self._journal = Journal(store)

    def hears(self) -> Mapping[str, Deliver]:
        """Who gets what is said on a topic, see ``Uplink.connect``."""
        return self._desk.hears()

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        if not isinstance(action, RotateCertificate):
            return "not a certificate"
        return self._obstacle()

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        return _safely(lambda: self._begin(task))

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``."""
        turn = self._journal.read()
        if turn is None or not turn.is_of(task.job_id, task.execution_number):
            return self.perform(task)
        return _safely(lambda: self._go_on(turn, task))

    def _begin(self, task: Task) -> Outcome:
        left = self._journal.read()
        if left is not None and left.phase != "done":
            self._finish_other(left, task)
        new = f"job-{task.job_id}-{task.execution_number}"
        turn = Turn(job_id=task.job_id, execution_number=task.execution_number, old=self._store.active(), new=new)
        self._store.place(new)
        return self._go_on(self._journal.write(turn), task)

    def _go_on(self, turn: Turn, task: Task) -> Outcome:
        means = self._means(turn, task)
        try:
            if turn.phase == "asking":
                task.tell("asking", {})
                name = self._pair.take(turn, means)
                turn = self._journal.write(msgspec.structs.replace(turn, phase="trying", certificate_id=name))
            if turn.phase == "trying":
                task.tell("trying", {"certificateId": turn.certificate_id})
                self._pair.prove(turn, means)
                turn = self._journal.write(msgspec.structs.replace(turn, phase="confirming"))
        except (ConfigError, UplinkError, UpdateError, SpoolError, CancelledError, OSError) as exc:
            turn = self._given_up(turn, _reason(exc), means)
        if turn.phase == "confirming":
            turn = self._confirmed(turn, task)
        if turn.phase == "undoing":
            turn = self._undone(turn, task)
        return _outcome(turn)

    def _given_up(self, turn: Turn, reason: str, means: Means) -> Turn:
        undoing = msgspec.structs.replace(turn, phase="undoing", reason=reason)
        try:
            return self._journal.write(undoing)
        except SpoolError:  # the old pair counts also where the disk takes no journal
            self._pair.back(turn, means)
            raise

    def _confirmed(self, turn: Turn, task: Task) -> Turn:
        """No way back from here: the cloud may have let the old one go already."""
        task.tell("confirming", {"certificateId": turn.certificate_id})
        try:
            self._ask("confirm", turn, within_s=self._ask_s, go_on=_guard(task, cancellable=False))
        except UplinkError as exc:
            return msgspec.structs.replace(turn, reason=_reason(exc))
        self._pair.clean(turn)
        return self._journal.write(msgspec.structs.replace(turn, phase="done"))

    def _undone(self, turn: Turn, task: Task) -> Turn:
        task.tell("undoing", {"reason": turn.reason})
        go_on = _guard(task, cancellable=False)
        self._pair.back(turn, Means(ask=_nothing, go_on=go_on))
        if turn.certificate_id:
            try:
                self._ask("withdraw", turn, within_s=WITHDRAW_S, go_on=go_on)
            except UplinkError as exc:  # it is nobody's: its key is destroyed below
                task.tell("undoing", {"reason": f"{turn.reason}; {exc}"})
        self._pair.clean(turn)
        return self._journal.write(msgspec.structs.replace(turn, phase="done"))

    def _finish_other(self, turn: Turn, task: Task) -> None:
        """An earlier execution's turn, which its job no longer asks for."""
        if turn.phase == "confirming":
            if self._confirmed(turn, task).phase != "done":
                raise SpoolError("an earlier certificate waits to be confirmed", remedy="try again")
            return
        undoing = msgspec.structs.replace(turn, phase="undoing", reason=turn.reason or "another job came")
        self._undone(self._journal.write(undoing), task)

    def _means(self, turn: Turn, task: Task) -> Means:
        go_on = _guard(task)
        return Means(
            ask=lambda csr: self._ask("request", turn, within_s=self._ask_s, go_on=go_on, csr=csr), go_on=go_on
        )

    def _ask(
        self, verb: Verb, turn: Turn, *, within_s: float, go_on: Callable[[], None], csr: str = ""
    ) -> CertificateAnswer:
        request = CertificateRequest(
            job_id=turn.job_id, execution_number=turn.execution_number, csr=csr, certificate_id=turn.certificate_id
        )
        return self._desk.ask(verb, request, within_s=within_s, go_on=go_on)


def _outcome(turn: Turn) -> Outcome:
    if turn.phase == "confirming":
        return Outcome(status="FAILED", reason=f"the new certificate is used, the old one not yet gone: {turn.reason}")
    if turn.reason:
        return Outcome(status="FAILED", reason=f"the old certificate stays: {turn.reason}")
    return Outcome(status="SUCCEEDED", details={"certificateId": turn.certificate_id})


def _safely(work: Callable[[], Outcome]) -> Outcome:
    """A disk that takes nothing is told, not raised: the pair that counted before counts."""
    try:
        return work()
    except (SpoolError, OSError) as exc:
        return Outcome(status="FAILED", reason=_reason(exc))


def _guard(task: Task, *, cancellable: bool = True) -> Callable[[], None]:
    def go_on() -> None:
        if task.stop.is_set():
            raise Interrupted
        if cancellable and task.cancelled.is_set():
            raise CancelledError("the job was cancelled")

    return go_on


def _nothing(_: str) -> CertificateAnswer:
    raise UplinkError("nothing is asked while a certificate is given up")


def _reason(exc: Exception) -> str:
    remedy = exc.remedy if isinstance(exc, ThresherError) else ""
    return f"{exc}; {remedy}" if remedy else str(exc)
