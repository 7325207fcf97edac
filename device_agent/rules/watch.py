"""Rules at work in a process, each kind of work on a thread of its own.

```
condensers ─▶ inbox ─▶ rules: judge ─┬▶ outputs: keep (nothing waits for the disk)
                                     └▶ tell: note, accept (fsync)
```
Rule: a disk or a sensor that hangs does not keep an output from being switched; judging that hangs lets outputs go to
their safe states.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from contract.kinds import AnyEvent
from device_agent.identity import Identity
from device_agent.notice import Notice
from device_agent.outputs.keeper import Keeper
from device_agent.outputs.port import LEASE_S, OutputConfig
from device_agent.rules.config import RuleConfig
from device_agent.rules.engine import Rules, Said
from device_agent.rules.inbox import Batch, Inbox
from device_agent.rules.latest import Source
from device_agent.rules.notes import RuleNotes
from device_agent.rules.telling import Teller
from device_agent.rules.wording import At
from device_agent.sensors.port import Channel, Scan

TICK_S: Final = 0.25
"""Without scans, waits end and values age so often."""

Start = Callable[[str, Callable[[threading.Event], None]], None]
"""Starts work on a thread of this name."""


class Place(NamedTuple):
    """What rules need of the process around them.

    Attributes:
        identity: Gateway and boot.
        now: The present moment.
        accept: Makes events durable.
        notes: What survives a restart.
    """

    identity: Identity
    now: Callable[[], At]
    accept: Callable[[Sequence[AnyEvent]], None]
    notes: RuleNotes


class RuleWatch:
    """The rules of one process and the outputs they drive.

    Args:
        rules: Checked.
        outputs: Likewise.
        place: See there.
    """

    def __init__(self, rules: Sequence[RuleConfig], outputs: Sequence[OutputConfig], place: Place) -> None:
        self._place = place
        notes = place.notes.load()
        self._rules = Rules(rules, outputs, place.identity, place.now(), notes=notes)
        self._has_work, self._has_outputs = bool(rules or outputs or notes), bool(outputs)
        self._inbox = Inbox()
        self._teller = Teller(place.accept, place.notes)
        self._keeper = Keeper(outputs, self.wanted)
        self._judged_ns = self._ticked_ns = place.now().monotonic_ns

    @property
    def accepted(self) -> int:
        """Events of rules so far."""
        return self._teller.accepted

    @property
    def has_open_rule(self) -> bool:
        """Whether any is open."""
        return bool(self._rules.open)

    def start(self, start: Start) -> None:
        """Starts the threads there is work for. Called once."""
        if not self._has_work:
            return
        start("rules", self._judge)
        if self._has_outputs:
            start("outputs", self._keeper.run)
        start("rules-tell", lambda _stop: self._teller.run())

    def see(self, sensor: str, channels: Sequence[Channel], rate_hz: float, scans: Sequence[Scan]) -> None:
        """Takes cleaned scans; never waits. Any thread may call it."""
        if scans and sensor in self._rules.sensors:
            places = {channel.name: place for place, channel in enumerate(channels)}
            self._inbox.put(Batch(Source(sensor, places, rate_hz), scans))

    def notice(self) -> Notice:
        """What rules and outputs count, and what of them does not work."""
        outputs = self._keeper.notice()
        counters = {
            **outputs.counters,
            **self._rules.counters,
            "rules.shed": self._inbox.shed,
            "rules.unnoted": self._teller.unnoted,
            "rules.untold": self._teller.shed,
        }
        blind = [f"rule {name}: cannot be judged, a value is missing or too old" for name in self._rules.blind]
        return Notice(counters, [*outputs.degraded, *blind])

    def turn(self, timeout_s: float = 0.0) -> None:
        """Judges what waits; waits up to ``timeout_s`` for it. The rules' thread only, where there is one."""
        batches = self._inbox.take(timeout_s)
        before, said = self._rules.wanted, list[Said]()
        for batch in batches:
            for scan in batch.scans:
                said += self._rules.see(batch.source, scan.values, At(scan.wall_ms, scan.monotonic_ns))
        now = self._place.now()
        if now.monotonic_ns - self._ticked_ns >= TICK_S * 1e9:
            said += self._rules.tick(now)
            self._ticked_ns = now.monotonic_ns
        self._judged_ns = now.monotonic_ns
        if self._rules.wanted != before:
            self._keeper.look()
        if said:
            self._teller.put(said)

    def wanted(self) -> Mapping[str, bool] | None:
        """By output: whether it should be on; ``None`` while judging hangs."""
        hangs = self._place.now().monotonic_ns - self._judged_ns > LEASE_S * 1e9
        return None if hangs else self._rules.wanted

    def _judge(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self.turn(TICK_S)
        finally:
            self._teller.end()
