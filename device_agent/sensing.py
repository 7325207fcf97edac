"""``thresher run``: one process that senses, filters, condenses and keeps (see docs/adr/0006).

```
per sensor: sampler ─▶ condenser ─┐
                     health ──────┴▶ intake ─▶ spool (fsync) ─▶ ledger, if a harness asked for one
```
Not here: the network. ``thresher agent`` forwards what the spool holds.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from contract.codec import encode_event
from contract.events import LANES
from contract.kinds import AnyEvent
from device_agent.clock import Clock
from device_agent.condenser import Surroundings
from device_agent.config import GatewayConfig
from device_agent.errors import SpoolError
from device_agent.fault_points import reach
from device_agent.feedback.store import FEEDBACK_FILE, FileFeedback
from device_agent.feedback.view import FeedbackView
from device_agent.filters.models import ConfiguredModel, Models
from device_agent.filters.published import CURRENT, MODELS, PublishedModels
from device_agent.health import Gatherer, SpoolView, next_beat_ns
from device_agent.identity import Identity, read_identity
from device_agent.ledger import Acceptance, Ledger
from device_agent.line import OpenLines, SensorLines
from device_agent.machine import Machine, this_machine
from device_agent.notice import Notice
from device_agent.rules.notes import FileRuleNotes
from device_agent.rules.watch import Place, RuleWatch
from device_agent.rules.wording import At
from device_agent.spool.intake import Intake, Patience
from device_agent.spool.limits import limits_of
from device_agent.spool.opening import open_spool
from device_agent.spool.outlook import Outlook
from device_agent.spool.port import Accepted, Appender, Gauges
from device_agent.standstill import read_standstill
from device_agent.state import sole_user, state_folder
from device_agent.status import StatusFile
from device_agent.supervisor import Supervisor

logger = logging.getLogger(__name__)

RUN_STATUS_FILE = "run-status.json"
RULES_FILE = "rules.json"
STATUS_EVERY_S = 1.0
END_WITHIN_S = 5.0
COMMIT_EVERY_S = 0.25
"""How often it is looked whether what is held has waited long enough."""

IDLE_S = 1.0
"""The same while nothing is held: what comes meanwhile has not waited longer than it may."""

TELL_LOSSES_EVERY_S = 30.0


def run_sensing(
    config: GatewayConfig,
    stop: threading.Event,
    *,
    ledger: Path | None = None,
    machine: Machine | None = None,
    parts: "Parts | None" = None,
) -> None:
    """Senses until ``stop`` is set.

    Args:
        config: The gateway's document.
        stop: Ends everything; the running summaries are flushed and accepted first.
        ledger: Where to note every accepted event, for a harness.
        machine: Its clocks and fingerprint; by default this one's.
        parts: See there.

    Raises:
        ConfigError: Something in the document cannot work on this machine.
    """
    folder, machine = state_folder(config), machine or this_machine()
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(sole_user(folder, "run"))
        spool = cleanup.enter_context(contextlib.closing(open_spool(config, machine.hardware)))
        notes = cleanup.enter_context(contextlib.closing(Ledger(ledger))) if ledger else None
        process = Sensing(config, spool, notes, clock=machine.clock, parts=parts)
        process.run(stop, folder / RUN_STATUS_FILE)


class Spool(Appender, Gauges, Protocol):
    """What sensing needs of a spool."""


class Parts(NamedTuple):
    """What differs from place to place; by default a process that reads the document's sensors itself.

    Attributes:
        lines: Where scans come from.
        models: Where filters get their model; by default see ``models_of``.
        beside: Asked for every status.
        end_within_s: How long threads may take to end.
    """

    lines: OpenLines = SensorLines
    models: Models | None = None
    beside: Callable[[], Notice] = Notice
    end_within_s: float = END_WITHIN_S


class Sensing:
    """The threads of one sensing process and what they share.

    Args:
        config: The gateway's document.
        spool: Where events become accepted.
        ledger: A harness's account of them.
        clock: The time.
        parts: See there.
    """

    def __init__(
        self, config: GatewayConfig, spool: Spool, ledger: Ledger | None, *, clock: Clock, parts: Parts | None = None
    ) -> None:
        self._config = config
        self._parts = parts or Parts()
        self._spool = spool
        self._ledger = ledger
        self._clock = clock
        self._identity: Identity = read_identity(config.gateway)
        self._limits = limits_of(config.spool)
        self._outlook = Outlook(self._limits, self._now_s())
        self._intake = Intake(
            spool,
            self._identity.boot_id,
            Patience(config.spool.group_commit_s, config.spool.hold_bytes),
            monotonic_s=self._now_s,
            on_accepted=self._note,
        )
        self._feedback = FeedbackView(FileFeedback(Path(config.state_dir) / FEEDBACK_FILE))
        models = self._parts.models or models_of(config)
        self._rules = self._watch()
        watch = self._rules.see if config.rules else None
        stood = read_standstill(Path(config.state_dir) / RUN_STATUS_FILE, self._identity.boot_id)
        around = Surroundings(config, self._identity, clock, self._intake.offer, models, self._feedback, watch, stood)
        self._lines = self._parts.lines(around)
        self._gatherer = Gatherer(config.gateway, self._lines.all, clock, interval_s=config.health_s)
        self._known = SpoolView(dict.fromkeys(LANES, 0), {})
        self._own = 0

    def run(self, stop: threading.Event, status_file: Path) -> None:
        """Runs every thread until ``stop``, then says a last time how it was."""
        supervisor, said = Supervisor(stop), StatusFile(status_file)
        logger.info("sensing.started", extra={"gateway": self._config.gateway, "sensors": len(self._lines.all())})
        self._rules.start(supervisor.start)
        self._lines.start(supervisor)
        supervisor.start("commit", self._commit)
        supervisor.start("health", lambda halt: self._report(halt, said))
        supervisor.join(self._parts.end_within_s)
        self.say_health()
        if not self._intake.flush():
            logger.error("sensing.unaccepted", extra={"reason": self._intake.trouble})
        said.close(self._status())
        logger.info("sensing.stopped", extra={"gateway": self._config.gateway})

    @property
    def has_open_episode(self) -> bool:
        """Whether any sensor's deviation is going on, or a rule is open."""
        return self._rules.has_open_rule or any(line.condenser.has_open_episode for line in self._lines.all())

    def say_health(self) -> None:
        """Offers one event about how this process is."""
        health = self._gatherer.health(self._view())
        self._intake.offer([msgspec.structs.replace(health, feedback_version=self._feedback.present.version)])
        self._own += 1

    def _watch(self) -> RuleWatch:
        """The document's rules and outputs; without any it has nothing to do and no thread."""
        clock, notes = self._clock, FileRuleNotes(Path(self._config.state_dir) / RULES_FILE)
        now = lambda: At(clock.wall_ms(), clock.monotonic_ns())  # noqa: E731 - a name for a line
        return RuleWatch(
            self._config.rules, self._config.outputs, Place(self._identity, now, self._intake.offer, notes)
        )

    def _note(self, events: Sequence[AnyEvent], places: Sequence[Accepted]) -> None:
        """What is durable now."""
        reach("ledger.before")
        if self._ledger:
            self._ledger.record(Acceptance(self._spool.spool_id, events, places))
        now_s = self._now_s()
        for event, place in zip(events, places, strict=True):
            self._outlook.note(place.lane, len(encode_event(event)), now_s)

    def _commit(self, stop: threading.Event) -> None:
        tell_at_s = self._now_s()
        while not stop.is_set():
            self._intake.tick()
            if self._now_s() >= tell_at_s:
                wall_ms, monotonic_ms = self._clock.wall_ms(), self._clock.monotonic_ns() // 1_000_000
                self._intake.tell_losses(wall_ms=wall_ms, monotonic_ms=monotonic_ms)
                tell_at_s = self._now_s() + TELL_LOSSES_EVERY_S
            group_s = self._config.spool.group_commit_s
            stop.wait(min(COMMIT_EVERY_S if self._intake.is_holding else IDLE_S, max(0.05, group_s)))

    def _report(self, stop: threading.Event, said: StatusFile) -> None:
        next_health_ns = self._clock.monotonic_ns()
        while not stop.is_set():
            self._feedback.look()
            if self._clock.monotonic_ns() >= next_health_ns:
                self.say_health()
                every_ns = round(self._config.health_s * 1e9)
                next_health_ns = next_beat_ns(next_health_ns, now_ns=self._clock.monotonic_ns(), every_ns=every_ns)
            said.write(self._status())
            stop.wait(STATUS_EVERY_S)

    def _status(self) -> bytes:
        status = self._gatherer.status(self._view())
        accepted = status.accepted + self._own + self._rules.accepted
        return msgspec.json.encode(
            msgspec.structs.replace(
                status, accepted=accepted, episode_open=self.has_open_episode, boot_id=self._identity.boot_id
            )
        )

    def _view(self) -> SpoolView:
        """How the spool is; what was last known of it while it cannot be read."""
        try:
            kept = self._spool.lane_bytes()
            view = SpoolView(self._spool.pending(), self._spool.counters(), kept)
            now_s = self._now_s()
            self._known = view._replace(
                fill=self._limits.fill(kept),
                hours_left=self._outlook.hours_left(kept, now_s),
                lane_hours_left=self._outlook.lane_hours_left(kept, now_s),
            )
            unreadable = ""
        except SpoolError as exc:
            unreadable = str(exc)
        held = self._intake.trouble and f"events are held in memory: {self._intake.trouble}"
        tight = self._spool.is_tight and "the disk is full: new events displace the oldest of the lowest lane"
        beside, rules = self._parts.beside(), self._rules.notice()
        other = *beside.degraded, *rules.degraded
        degraded = [each for each in (held or unreadable, tight, _moved(self._known), *other) if each]
        counters = {**self._known.counters, **self._intake.counters}
        return self._known._replace(counters=counters, degraded=degraded, beside={**beside.counters, **rules.counters})

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9


def models_of(config: GatewayConfig) -> Models:
    """The model that the document names, else the one that a job brought, else the one that ships."""
    path = config.model_path()
    return ConfiguredModel(path) if path else PublishedModels(Path(config.state_dir) / MODELS / CURRENT)


def _moved(view: SpoolView) -> str:
    moves = view.counters.get("hardware_changed", 0)
    return f"this spool began on another machine ({moves} moves): is there a copy of it elsewhere?" if moves else ""
