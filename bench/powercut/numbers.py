"""Events that are known again wherever they turn up."""

import random

from contract.health import Health
from contract.kinds import AnyEvent
from contract.readings import ChannelSummary, Context, Summary
from contract.traces import Trace


class Numbers:
    """Gives every event its own number, so that it is known wherever it turns up; spools and times theirs."""

    def __init__(self) -> None:
        self._last = 0
        self._spools = 0

    def spool_id(self) -> str:
        """Of another spool."""
        self._spools += 1
        return f"{self._spools:016x}"

    def wall_ms(self) -> int:
        """A time that has not been."""
        self._spools += 1
        return 1_700_000_000_000 + self._spools

    def event(self, source: random.Random) -> AnyEvent:
        """The next one, of any lane."""
        self._last += 1
        number, kind = self._last, source.choice(("health", "summary", "context"))
        if kind == "health":
            return Health(wall_ms=number, monotonic_ms=number, version="1", uptime_ms=0, interval_ms=60_000, sensors={})
        if kind == "summary":
            channels = {f"c{n}": ChannelSummary(unit="V", count=n) for n in range(source.randint(1, 8))}
            return Summary(
                wall_ms=number, monotonic_ms=number, sensor="s", start_wall_ms=0, scans=1, state="armed",
                channels=channels,
            )  # fmt: skip
        trace = Trace(unit="V", resolution=1.0, packed="AbCd" * source.randint(1, 300))
        return Context(wall_ms=number, monotonic_ms=number, episode_id="e", sensor="s", scans=0, traces={"c": trace})
