"""``thresher agent``: the process that owns the gateway's connection and forwards its spool.

Beside the forwarder it writes ``agent-status.json`` once a second, so that whoever looks after the gateway
sees how the link is without asking the process. Not here: fleet jobs, sensing (``device_agent.sensing``).
"""

import contextlib
import logging
import random
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from contract.events import LANES, Lane
from contract.topics import feedback_topic
from device_agent.budget import BUDGET_FILE, Budget, BudgetStatus
from device_agent.clock import Clock
from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError, SpoolError, UplinkError
from device_agent.feedback.inbox import Heard, Inbox
from device_agent.feedback.store import FEEDBACK_FILE, FileFeedback
from device_agent.forwarder import DRAIN_S, Forwarder
from device_agent.machine import Machine, this_machine
from device_agent.spool.noticing import Noticing
from device_agent.spool.opening import open_spool, spool_path
from device_agent.spool.sqlite import SqliteSpool
from device_agent.state import sole_user, state_folder
from device_agent.status import StatusFile
from device_agent.supervisor import Supervisor
from device_agent.traffic import Traffic
from device_agent.uplink.beside import Beside
from device_agent.uplink.choosing import choose_uplink
from device_agent.uplink.observed import LinkHistory, ObservedUplink
from device_agent.uplink.port import Deliver, Uplink
from device_agent.uplink.validity import CertificateStatus, CertificateWatch

STATUS_FILE: Final = "agent-status.json"
STATUS_EVERY_S: Final = 1.0
_CLOSE_S: Final = 7.0
"""After draining, closing the connection is bounded too; a hung one is left to the process's end."""

logger = logging.getLogger(__name__)


class AgentStatus(Traffic, kw_only=True):
    """One look at the agent; ``Traffic`` explains its counters.

    Attributes:
        gateway_id: Whose agent.
        wall_ms: When this was written, Unix milliseconds.
        connected: Whether the broker can be reached.
        reason: Why it is not connected, or cannot hear the cloud.
        connects: Connections made since the start.
        connect_failures: Attempts that failed since the start.
        takeovers: Times that another client under this name ended the session.
        in_flight: Publishes sent and not yet answered.
        pending: By lane: sequence numbers the cloud does not yet know to be stored or declared.
        stored: By lane: everything up to this sequence is.
        cloud_is_silent: Whether the broker takes everything and the cloud has not answered for hours.
        trouble: Why the spool cannot be read or written now; empty while it can.
        spool: What the spool counted, ever.
        budget: How the month's data budget goes.
        certificate: Until when it is good.
        history: When the link came and went.
        feedback: What became of the messages with what people said.
        beside: What is counted by what else uses the connection: what became of what the document's shadow wanted,
            and of jobs.
    """

    gateway_id: str
    wall_ms: int
    connected: bool
    reason: str
    connects: int
    connect_failures: int
    takeovers: int
    in_flight: int
    pending: dict[Lane, int]
    stored: dict[Lane, int]
    spool: dict[str, int]
    cloud_is_silent: bool = False
    trouble: str = ""
    budget: BudgetStatus = BudgetStatus()
    certificate: CertificateStatus = CertificateStatus()
    history: LinkHistory = LinkHistory()
    feedback: Heard = Heard()
    beside: dict[str, int] = msgspec.field(default_factory=dict)


def run_agent(
    config: GatewayConfig,
    stop: threading.Event,
    *,
    machine: Machine | None = None,
    beside: Sequence[Callable[[Uplink], Beside]] = (),
) -> None:
    """Forwards until ``stop`` is set, then sends what is left for a few seconds.

    Args:
        config: The gateway's document.
        stop: Ends it.
        machine: Its clocks and fingerprint; by default this one's.
        beside: Each makes something else that hears and says something by the same connection.

    Raises:
        ConfigError: There is no uplink, or a file it names cannot be used, or another agent runs here.
        UplinkError: A nucleus refused the token it gave us; it starts us again with another.
    """
    if config.uplink is None:
        raise ConfigError(
            "`$.uplink` is missing", remedy="add endpoint, certificate, private_key and ca under `uplink:`"
        )
    denied = threading.Event()

    def end() -> None:
        denied.set()
        stop.set()

    uplink = choose_uplink(config.uplink, config.gateway, on_denied=end)
    folder, machine = state_folder(config), machine or this_machine()
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(sole_user(folder, "agent"))
        spool = cleanup.enter_context(contextlib.closing(open_spool(config, machine.hardware)))
        others = [make(uplink) for make in beside]
        Agent(config, spool, uplink, clock=machine.clock, beside=others).run(stop, folder / STATUS_FILE)
    if denied.is_set():
        raise UplinkError("the nucleus refused our token", remedy="nothing: it starts this component again")


class Agent:
    """The forwarder and its status.

    Args:
        config: The gateway's document, with its uplink.
        spool: What is forwarded.
        uplink: Not yet connected.
        clock: The time.
        drain_s: How long what is left may take to go when it is stopped.
        beside: See there.
    """

    def __init__(
        self,
        config: GatewayConfig,
        spool: SqliteSpool,
        uplink: Uplink,
        *,
        clock: Clock,
        drain_s: float = DRAIN_S,
        beside: Sequence[Beside] = (),
    ) -> None:
        if config.uplink is None:
            raise ConfigError("`$.uplink` is missing")
        self._gateway_id = config.gateway
        self._end_within_s = drain_s + _CLOSE_S
        self._spool = spool
        self._uplink = ObservedUplink(uplink, clock=clock)
        self._certificate = CertificateWatch(
            Path(config.uplink.certificate) if config.uplink.certificate else None,
            wall_s=lambda: clock.wall_ms() / 1000,
            monotonic_s=lambda: clock.monotonic_ns() / 1e9,
        )
        self._clock = clock
        nothing: dict[Lane, int] = dict.fromkeys(LANES, 0)
        self._gauges: tuple[dict[Lane, int], dict[Lane, int], dict[str, int]] = (nothing, nothing, {})
        self._budget = Budget(
            config.uplink.monthly_bytes,
            keep_alive_s=config.uplink.keep_alive_s,
            clock=clock,
            path=Path(config.state_dir) / BUDGET_FILE,
            beside=lambda: sum(each.counters.get("logs_bytes", 0) for each in beside),
        )
        self._beside = tuple(beside)
        self._inbox = Inbox(FileFeedback(Path(config.state_dir) / FEEDBACK_FILE))
        self._forwarder = Forwarder(
            spool,
            self._uplink,
            gateway_id=config.gateway,
            config=config.uplink,
            monotonic_s=lambda: clock.monotonic_ns() / 1e9,
            source=random.SystemRandom(),
            budget=self._budget,
            hear_also=self._hears(config.gateway),
            drain_s=drain_s,
            is_told=lambda: self._noticing.works,
        )
        self._noticing = Noticing(spool_path(config), self._forwarder.written)

    def run(self, stop: threading.Event, status_file: Path) -> None:
        """Runs its threads until ``stop``, then says a last time how it was."""
        logger.info("agent.started", extra={"gateway": self._gateway_id, "spool_id": self._spool.spool_id})
        supervisor, said = Supervisor(stop), StatusFile(status_file)
        supervisor.start("forward", self._forwarder.run)
        supervisor.start("notice", self._noticing.run)
        supervisor.start("end", self._end)
        supervisor.start("feedback", self._inbox.run)
        for each in self._beside:
            supervisor.start(type(each).__name__.lower(), each.run)
        supervisor.start("status", lambda halt: self._report(halt, said))
        try:
            supervisor.join(self._end_within_s)
        finally:
            status = self.status()
            said.close(msgspec.json.encode(status))
        logger.info("agent.stopped", extra={"gateway": self._gateway_id, "pending": status.pending})

    def status(self) -> AgentStatus:
        """How it is now; what the spool said last while it cannot be read."""
        link, trouble = self._uplink.link, self._forwarder.trouble
        try:
            self._gauges = self._spool.pending(), self._spool.stored(), self._spool.counters()
        except SpoolError as exc:
            trouble = trouble or str(exc)
        pending, stored, counters = self._gauges
        return AgentStatus(
            gateway_id=self._gateway_id,
            wall_ms=self._clock.wall_ms(),
            connected=link.connected,
            reason=link.reason,
            connects=link.connects,
            connect_failures=link.failures,
            takeovers=link.takeovers,
            in_flight=self._forwarder.in_flight,
            pending=pending,
            stored=stored,
            spool=counters,
            cloud_is_silent=self._forwarder.cloud_is_silent,
            trouble=trouble,
            budget=self._budget.status(),
            certificate=self._certificate.status(),
            history=self._uplink.history,
            feedback=self._inbox.heard,
            beside={name: count for each in self._beside for name, count in each.counters.items()},
            **msgspec.structs.asdict(self._forwarder.traffic),
        )

    def _hears(self, gateway_id: str) -> dict[str, Deliver]:
        others = {topic: deliver for each in self._beside for topic, deliver in each.hears().items()}
        return {feedback_topic(gateway_id): self._inbox.hear, **others}

    def _end(self, stop: threading.Event) -> None:
        stop.wait()
        self._forwarder.wake()

    def _report(self, stop: threading.Event, said: StatusFile) -> None:
        while not stop.is_set():
            said.write(msgspec.json.encode(self.status()))
            stop.wait(STATUS_EVERY_S)
