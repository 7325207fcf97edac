"""``thresher run``: one process that senses, filters, condenses and keeps (see docs/adr/0006).

```
per sensor: sampler ─▶ condenser ─┐
                     health ──────┴▶ accept ─▶ spool (fsync) ─▶ ledger, if a harness asked for one
```
Not here: the network. ``thresher agent`` forwards what the spool holds.
"""

import contextlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from contract.events import AnyEvent
from device_agent.clock import Clock, SystemClock
from device_agent.config import GatewayConfig
from device_agent.health import Gatherer, SpoolView
from device_agent.identity import Identity, read_identity
from device_agent.ledger import Acceptance, Ledger
from device_agent.line import SensorLine, Surroundings
from device_agent.spool.port import Appender
from device_agent.spool.sqlite import SqliteSpool
from device_agent.state import sole_user, state_folder
from device_agent.status import StatusFile
from device_agent.supervisor import Supervisor

logger = logging.getLogger(__name__)

STATUS_EVERY_S = 1.0
END_WITHIN_S = 5.0


def run_sensing(config: GatewayConfig, stop: threading.Event, *, ledger: Path | None = None) -> None:
    """Senses until ``stop`` is set.

    Args:
        config: The gateway's document.
        stop: Ends everything; the running summaries are flushed and accepted first.
        ledger: Where to note every accepted event, for a harness.

    Raises:
        ConfigError: Something in the document cannot work on this machine.
        SpoolError: What must be durable cannot be written; the service manager starts us again.
    """
    folder = state_folder(config)
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(sole_user(folder, "run"))
        spool = cleanup.enter_context(contextlib.closing(SqliteSpool(folder / "spool.sqlite3")))
        notes = cleanup.enter_context(contextlib.closing(Ledger(ledger))) if ledger else None
        process = Sensing(config, spool, notes, clock=SystemClock())
        process.run(stop, folder / "run-status.json")


class Sensing:
    """The threads of one sensing process and what they share.

    Args:
        config: The gateway's document.
        spool: Where events become accepted.
        ledger: A harness's account of them.
        clock: The time.
    """

    def __init__(self, config: GatewayConfig, spool: Appender, ledger: Ledger | None, *, clock: Clock) -> None:
        self._config = config
        self._spool = spool
        self._ledger = ledger
        self._clock = clock
        self._identity: Identity = read_identity(config.gateway)
        around = Surroundings(config, self._identity, clock, self.accept)
        self._lines = [SensorLine(sensor, around) for sensor in config.sensors]
        self._gatherer = Gatherer(config.gateway, self._lines, clock, interval_s=config.health_s)
        self._own = 0

    def accept(self, events: Sequence[AnyEvent]) -> None:
        """Makes events durable, then notes them. Any thread may call it."""
        places = self._spool.append(self._identity.boot_id, events)
        if self._ledger:
            self._ledger.record(Acceptance(self._spool.spool_id, events, places))

    def run(self, stop: threading.Event, status_file: Path) -> None:
        """Runs every thread until ``stop``, then says a last time how it was."""
        supervisor, said = Supervisor(stop), StatusFile(status_file)
        logger.info("sensing.started", extra={"gateway": self._config.gateway, "sensors": len(self._lines)})
        for line in self._lines:
            supervisor.start(f"sample-{line.name}", line.sample)
            supervisor.start(f"condense-{line.name}", line.condense)
        supervisor.start("health", lambda halt: self._report(halt, said))
        supervisor.join(END_WITHIN_S)
        self.say_health()
        said.close(self._status())
        logger.info("sensing.stopped", extra={"gateway": self._config.gateway})

    def _report(self, stop: threading.Event, said: StatusFile) -> None:
        next_health_ns = self._clock.monotonic_ns()
        while not stop.is_set():
            if self._clock.monotonic_ns() >= next_health_ns:
                self.say_health()
                next_health_ns += round(self._config.health_s * 1e9)
            said.write(self._status())
            stop.wait(STATUS_EVERY_S)

    def say_health(self) -> None:
        """Accepts one event about how this process is."""
        self.accept([self._gatherer.health(self._view())])
        self._own += 1

    def _status(self) -> bytes:
        status = self._gatherer.status(self._view())
        return msgspec.json.encode(msgspec.structs.replace(status, accepted=status.accepted + self._own))

    def _view(self) -> SpoolView:
        return SpoolView(self._spool.pending(), self._spool.counters())
