"""What a gateway may send in a month, and what is held back when it would not last.

```
line of today = month's budget / days of the month * days gone, today included

above the line                     context waits in the spool
above it by more than one day      summaries wait too
whatever happens                   events go
```
Counted are payloads and what they cost beside (measured by ``python -m bench.idle_traffic``), connections and
keep-alive. A month is UTC's. While the clock has not been set the month before goes on; a clock that jumps ten years
and back finds its month's count again. What is held back is not lost here: it waits in the spool, whose own limits
decide.

The count is written rarely, for the sake of the disk: a power cut forgets at most ``WRITE_EVERY_S`` of it.
Not here: who is asked (``device_agent.forwarder``).
"""

import calendar
import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from contract.events import Lane
from device_agent.clock import Clock
from device_agent.files import atomic_write
from device_agent.uplink.reconnecting import is_plausible

BUDGET_FILE: Final = "budget.json"
WRITE_EVERY_S: Final = 900.0
PUBLISH_BYTES: Final = 320
"""One publish with its acknowledgement, less its payload."""

CONNECT_BYTES: Final = 9_300
"""TCP, TLS, CONNECT, SUBSCRIBE."""

PING_BYTES: Final = 256
"""One keep-alive with its answer."""

_DAY_S: Final = 86_400
_MONTHS_KEPT: Final = 4
_DAYS_ABOVE: Final[dict[Lane, float]] = {"summaries": 1.0, "context": 0.0}
"""How far above the line of today a lane begins to wait."""

logger = logging.getLogger(__name__)


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept on disk.

    Attributes:
        months: Bytes by month (``2026-11``), the one that is running last; under ``""`` what was counted before the
            clock was plausible.
    """

    months: dict[str, int] = {}


class BudgetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the month goes.

    Attributes:
        month: Which.
        used_bytes: So far.
        monthly_bytes: Of the budget; 0 for none.
        forecast_bytes: At the month's end, at the rate so far.
        held: Lanes that wait now.
        unwritten: Times the count could not be written.
    """

    month: str = ""
    used_bytes: int = 0
    monthly_bytes: int = 0
    forecast_bytes: int = 0
    held: list[Lane] = []
    unwritten: int = 0


class Budget:
    """Of one gateway. One thread counts and asks.

    Args:
        monthly_bytes: 0 for no limit: then it only counts.
        keep_alive_s: Of the connection.
        clock: The time.
        path: Where the count is kept; ``None`` keeps it in memory.
        beside: Bytes that others have sent so far by the same connection.
    """

    def __init__(
        self,
        monthly_bytes: int,
        *,
        keep_alive_s: int,
        clock: Clock,
        path: Path | None = None,
        beside: Callable[[], int] = int,
    ) -> None:
        self._beside, self._beside_bytes = beside, 0
        self._monthly_bytes = monthly_bytes
        self._keep_alive_s = keep_alive_s
        self._clock = clock
        self._path = path
        self._months = _read(path)
        self._month = next(reversed(self._months), "")
        self._written = dict(self._months)
        self._unwritten = 0
        self._ticked_s = self._now_s()
        self._write_at_s = self._ticked_s + WRITE_EVERY_S
        self._idle_bytes = 0.0
        self._connects = 0
        self._held: list[Lane] = []

    def published(self, payload_bytes: int) -> None:
        """A message went out."""
        self._add(payload_bytes + PUBLISH_BYTES)

    def tick(self, *, connected: bool, connects: int) -> None:
        """Time passed; call it with every step.

        Args:
            connected: Whether the connection was there.
            connects: Connections made so far.
        """
        now_s = self._now_s()
        if connected:
            self._idle_bytes += (now_s - self._ticked_s) / self._keep_alive_s * PING_BYTES
        self._ticked_s = now_s
        whole = int(self._idle_bytes)
        self._idle_bytes -= whole
        others = self._beside()
        self._add(whole + CONNECT_BYTES * (connects - self._connects) + others - self._beside_bytes)
        self._beside_bytes = others
        self._connects = connects
        self._turn_month()
        self._decide()
        if now_s >= self._write_at_s:
            self._write()

    def allows(self, lane: Lane) -> bool:
        """Whether a lane may send now; events always may."""
        return lane not in self._held

    def status(self) -> BudgetStatus:
        """How the month goes. Any thread may ask."""
        used, month = self._bytes(), self._month
        return BudgetStatus(
            month=month,
            used_bytes=used,
            monthly_bytes=self._monthly_bytes,
            forecast_bytes=round(used / _progress(month, self._wall_s()).gone),
            held=list(self._held),
            unwritten=self._unwritten,
        )

    def close(self) -> None:
        """Writes the count a last time."""
        self._write()

    def _bytes(self) -> int:
        return self._months.get(self._month, 0)

    def _add(self, count: int) -> None:
        if count:
            self._months[self._month] = self._bytes() + count

    def _turn_month(self) -> None:
        wall_s = self._wall_s()
        month = _month(wall_s) if is_plausible(wall_s) else self._month
        if month == self._month:
            return
        logger.info("budget.month_begins", extra={"month": month, "before": self._month, "used_bytes": self._bytes()})
        known = self._months.pop(month, 0) + self._months.pop("", 0)
        kept = list(self._months.items())[1 - _MONTHS_KEPT :]
        self._months = dict([*kept, (month, known)])
        self._month = month

    def _decide(self) -> None:
        held: list[Lane] = []
        if self._monthly_bytes:
            progress = _progress(self._month, self._wall_s())
            line = self._monthly_bytes * progress.line
            daily = self._monthly_bytes * progress.day
            held = [lane for lane, days in _DAYS_ABOVE.items() if self._bytes() > line + days * daily]
        if held != self._held:
            logger.warning("budget.holds", extra={"lanes": held, "used_bytes": self._bytes()})
            self._held = held

    def _write(self) -> None:
        self._write_at_s = self._now_s() + WRITE_EVERY_S
        if self._path is None or self._months == self._written:
            return
        try:
            atomic_write(self._path, msgspec.json.encode(Used(months=self._months)))
        except OSError:
            self._unwritten += 1  # seen in the status; written when the disk can be
        else:
            self._written = dict(self._months)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _wall_s(self) -> float:
        return self._clock.wall_ms() / 1000


class _Progress(NamedTuple):
    """Fractions of a month: ``gone`` (never 0), ``line`` (today included), ``day`` (one day's part)."""

    gone: float
    line: float
    day: float


def _progress(month: str, wall_s: float) -> _Progress:
    """Of the month that is counted; all of it while the clock says another."""
    if not is_plausible(wall_s) or _month(wall_s) != month:
        return _Progress(1.0, 1.0, 1 / 30)
    now = dt.datetime.fromtimestamp(wall_s, dt.UTC)
    days = calendar.monthrange(now.year, now.month)[1]
    second = (now - now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    return _Progress(max(second, 3600.0) / (days * _DAY_S), now.day / days, 1 / days)


def _month(wall_s: float) -> str:
    return f"{dt.datetime.fromtimestamp(wall_s, dt.UTC):%Y-%m}"


def _read(path: Path | None) -> dict[str, int]:
    """The count on disk; what cannot be read begins at 0, and says so."""
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=Used).months
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as exc:
        logger.warning("budget.unreadable", extra={"path": str(path), "reason": str(exc)})
        return {}
