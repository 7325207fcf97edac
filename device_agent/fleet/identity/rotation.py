"""A new key and certificate by job. The old pair stays usable until the new one has carried a message to the cloud.

```
asking ─▶ trying ─▶ confirming ─▶ done: SUCCEEDED
   │         │
   └────▶ undoing ─▶ done: FAILED
```
Every phase is journalled before it begins (``turn``); a process that ends anywhere goes on in the next one. The uplink
tries what the store's link names beside the connection that stands (``device_agent.uplink.renewal``), and its ``Link``
says which certificate the broker took or refused.

Not here: the cloud's side (``cloud_functions.core.renewal``), a nucleus's certificate (``nucleus``).
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from contract.certificates import CertificateRequest
from contract.jobs import Action, RotateCertificate
from device_agent.config import GatewayConfig, UplinkConfig
from device_agent.errors import ConfigError, SpoolError, ThresherError, UplinkError
from device_agent.fault_points import reach
from device_agent.files import SECRET, atomic_write
from device_agent.fleet.identity.desk import TopicDesk
from device_agent.fleet.identity.first import checked_uplink, keys_of
from device_agent.fleet.identity.keys import Keys
from device_agent.fleet.identity.store import CERTIFICATE, KEY, Store, store_of
from device_agent.fleet.identity.turn import Journal, Turn
from device_agent.fleet.port import Interrupted, Outcome, Task
from device_agent.uplink.credentials import certificate_id, check_credentials
from device_agent.uplink.port import Deliver, Uplink

REQUEST: Final = "request.pem"
ASK_S: Final = 600.0
WITHDRAW_S: Final = 60.0
_LOOK_S: Final = 0.2


class CancelledError(ThresherError):
    """The cloud took the job back."""


class Rotation:
    """Carries out ``rotateCertificate``. See ``Performer``.

    Args:
        config: The gateway's document.
        uplink: The gateway's connection.
        ask_s: How long a question to the cloud may take.
    """

    def __init__(self, config: GatewayConfig, uplink: Uplink, *, ask_s: float = ASK_S) -> None:
        self._config = config
        self._uplink = uplink
        self._ask_s = ask_s
        self._store: Store = store_of(config)
        self._journal = Journal(self._store)
        self._desk = TopicDesk(uplink, config.gateway)

    def hears(self) -> Mapping[str, Deliver]:
        """Who gets what is said on a topic, see ``Uplink.connect``."""
        return self._desk.hears()

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        if not isinstance(action, RotateCertificate):
            return "not a certificate"
        if action.input.endpoint and action.input.endpoint != (self._config.uplink or UplinkConfig()).endpoint:
            return "`endpoint` is not this gateway's: the new certificate is tried where it is used"
        try:
            checked_uplink(self._config)
        except ConfigError as exc:
            return f"{exc}; {exc.remedy}"
        return "" if self._store.active() else "no identity is provisioned: run `thresher provision`"

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        return self._safely(lambda: self._begin(task))

    def _begin(self, task: Task) -> Outcome:
        left = self._journal.read()
        if left is not None and left.phase != "done":
            self._finish_other(left, task)
        new = f"job-{task.job_id}-{task.execution_number}"
        turn = Turn(job_id=task.job_id, execution_number=task.execution_number, old=self._store.active(), new=new)
        return self._go_on(self._journal.write(turn), task)

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``."""
        turn = self._journal.read()
        if turn is None or not turn.is_of(task.job_id, task.execution_number):
            return self.perform(task)
        return self._safely(lambda: self._go_on(turn, task))

    def _safely(self, work: Callable[[], Outcome]) -> Outcome:
        """A disk that takes nothing is told, not raised: the pair that counted before counts."""
        try:
            return work()
        except (SpoolError, OSError) as exc:
            return Outcome(status="FAILED", reason=_reason(exc))

    def _go_on(self, turn: Turn, task: Task) -> Outcome:
        try:
            if turn.phase == "asking":
                turn = self._asked(turn, task)
            if turn.phase == "trying":
                turn = self._tried(turn, task)
        except (ConfigError, UplinkError, SpoolError, CancelledError, OSError) as exc:
            self._store.activate(turn.old)  # also where the journal cannot be written
            turn = self._journal.write(msgspec.structs.replace(turn, phase="undoing", reason=_reason(exc)))
        if turn.phase == "confirming":
            turn = self._confirmed(turn, task)
        if turn.phase == "undoing":
            turn = self._undone(turn, task)
        if turn.phase == "confirming":
            return Outcome(
                status="FAILED", reason=f"the new certificate is used, the old one not yet gone: {turn.reason}"
            )
        if turn.reason:
            return Outcome(status="FAILED", reason=f"the old certificate stays: {turn.reason}")
        return Outcome(status="SUCCEEDED", details={"certificateId": turn.certificate_id})

    def _asked(self, turn: Turn, task: Task) -> Turn:
        task.tell("asking", {})
        folder = self._store.place(turn.new)
        request = CertificateRequest(job_id=turn.job_id, execution_number=turn.execution_number, csr=self._csr(folder))
        reach("identity.rotate.key")
        pem = self._desk.ask("request", request, within_s=self._ask_s, go_on=_guard(task))
        self._store.keep(turn.new, CERTIFICATE, pem.encode())
        check_credentials(self._pair(folder))
        name = certificate_id(folder / CERTIFICATE)
        return self._journal.write(msgspec.structs.replace(turn, phase="trying", certificate_id=name))

    def _csr(self, folder: Path) -> str:
        """The same bytes after a restart: the cloud gives one certificate for one request."""
        path = folder / REQUEST
        if not path.exists():
            keys: Keys = keys_of(checked_uplink(self._config))
            atomic_write(path, keys.request(folder, self._config.gateway).encode(), mode=SECRET)
        return path.read_text(encoding="ascii")

    def _tried(self, turn: Turn, task: Task) -> Turn:
        task.tell("trying", {"certificateId": turn.certificate_id})
        self._store.activate(turn.new)
        reach("identity.rotate.activated")
        go_on, deadline = _guard(task), time.monotonic() + self._config.fleet.identity.try_s
        while time.monotonic() < deadline:
            link = self._uplink.link
            if link.connected and link.certificate == turn.certificate_id:
                return self._journal.write(msgspec.structs.replace(turn, phase="confirming"))
            if link.refused == turn.certificate_id:
                raise UplinkError(f"the broker refused the new certificate: {link.reason}")
            go_on()
            task.stop.wait(_LOOK_S)
        raise UplinkError(f"the broker did not take the new certificate in {self._config.fleet.identity.try_s:.0f} s")

    def _confirmed(self, turn: Turn, task: Task) -> Turn:
        """No way back from here: the cloud may have let the old one go already."""
        task.tell("confirming", {"certificateId": turn.certificate_id})
        try:
            self._desk.ask("confirm", _about(turn), within_s=self._ask_s, go_on=_guard(task, cancellable=False))
        except UplinkError as exc:
            return msgspec.structs.replace(turn, reason=_reason(exc))
        self._store.forget(turn.old)
        return self._journal.write(msgspec.structs.replace(turn, phase="done"))

    def _undone(self, turn: Turn, task: Task) -> Turn:
        task.tell("undoing", {"reason": turn.reason})
        self._store.activate(turn.old)
        reach("identity.rotate.deactivated")
        if turn.certificate_id:
            try:
                self._desk.ask("withdraw", _about(turn), within_s=WITHDRAW_S, go_on=_guard(task, cancellable=False))
            except UplinkError as exc:  # it is nobody's: its key is destroyed below
                task.tell("undoing", {"reason": f"{turn.reason}; {exc}"})
        self._store.forget(turn.new)
        return self._journal.write(msgspec.structs.replace(turn, phase="done"))

    def _finish_other(self, turn: Turn, task: Task) -> None:
        """An earlier execution's turn, which its job no longer asks for."""
        if turn.phase == "confirming":
            if self._confirmed(turn, task).phase != "done":
                raise SpoolError("an earlier certificate waits to be confirmed", remedy="try again")
            return
        undoing = msgspec.structs.replace(turn, phase="undoing", reason=turn.reason or "another job came")
        self._undone(self._journal.write(undoing), task)

    def _pair(self, folder: Path) -> UplinkConfig:
        uplink = checked_uplink(self._config)
        key = "" if uplink.pkcs11 else str(folder / KEY)
        return msgspec.structs.replace(uplink, certificate=str(folder / CERTIFICATE), private_key=key)


def _about(turn: Turn) -> CertificateRequest:
    return CertificateRequest(
        job_id=turn.job_id, execution_number=turn.execution_number, certificate_id=turn.certificate_id
    )


def _guard(task: Task, *, cancellable: bool = True) -> Callable[[], None]:
    def go_on() -> None:
        if task.stop.is_set():
            raise Interrupted
        if cancellable and task.cancelled.is_set():
            raise CancelledError("the job was cancelled")

    return go_on


def _reason(exc: Exception) -> str:
    remedy = exc.remedy if isinstance(exc, ThresherError) else ""
    return f"{exc}; {remedy}" if remedy else str(exc)
