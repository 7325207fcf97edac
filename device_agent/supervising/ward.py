"""One process that is kept running.

```
          ┌──────────────── asked for ◀─────────────┐ restart()
waiting ──┴▶ running ──▶ ended by itself ─▶ waiting: at once, then 1 s, 2 s … 30 s, with jitter
                 └────▶ its status stands still ─▶ killed ─▶ waiting
```
Not here: processes as such (``child``), what is asked of all of them (``supervising``).
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from device_agent.fleet.probe.reading import age_s, is_stale
from device_agent.sampling.retry import Retry
from device_agent.supervising import child as processes
from device_agent.supervising.child import Child

END_WITHIN_S: Final = 12.0
"""Of an orderly end; forwarding drains three seconds, and closing a dead connection takes seven."""

CALM_S: Final = 60.0
"""A process that ran so long may end once more without a pause."""

logger = logging.getLogger(__name__)


class Duty(NamedTuple):
    """What a ward does.

    Attributes:
        name: ``run`` or ``agent``.
        start: Starts it from the release in use; raises ``OSError`` where it cannot.
        status: The file that it writes all the time.
        hang_after_s: It hangs when that stands still for so long.
    """

    name: str
    start: Callable[[], Child]
    status: Path
    hang_after_s: float


class WardStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One process, as ``supervise-status.json`` says it.

    Attributes:
        pid: 0 while it does not run.
        starts: Times it was started.
        ends: Of these, how often it ended by itself or had to be ended because it hung.
        hangs: Of the ends, those because it hung.
        exit_code: Of the last end; negative for a signal, ``None`` before the first.
    """

    pid: int = 0
    starts: int = 0
    ends: int = 0
    hangs: int = 0
    exit_code: int | None = None


class Ward:
    """Keeps it. One thread.

    Args:
        duty: See there.
        now_s: Monotonic seconds.
        jitter: A random number from 0 to 1.
        child: One that runs already, of the supervisor that this one follows.
        status: What that one had counted.

    Attributes:
        status: See ``WardStatus``.
        child: ``None`` while it does not run.
    """

    def __init__(
        self,
        duty: Duty,
        *,
        now_s: Callable[[], float],
        jitter: Callable[[], float],
        child: Child | None = None,
        status: WardStatus | None = None,
    ) -> None:
        self.status = status or WardStatus()
        self.child = child
        self._duty, self._now = duty, now_s
        self._retry = Retry(jitter)
        self._started_s = now_s()
        self._kill_at_s: float | None = None
        self._ending = False

    def tick(self) -> None:
        """Looks after it; called several times a second."""
        if self.child is None:
            if not self._ending and self._retry.may_try(round(self._now() * 1e9)):
                self._start()
            return
        code = processes.exit_code(self.child)
        if code is not None:
            self._ended(code)
        elif self._kill_at_s is not None:
            if self._now() >= self._kill_at_s:
                processes.kill(self.child)
        elif self._hangs():
            logger.error("ward.hung", extra={"ward": self._duty.name, "pid": self.child.pid})
            self._set(hangs=self.status.hangs + 1)
            processes.kill(self.child)

    def restart(self) -> None:
        """Ends it in order; it is started again as soon as it has."""
        if self.child is None:
            self._retry.succeeded()
        else:
            self._ask_to_end()

    def end(self) -> None:
        """Ends it in order, for good."""
        self._ending = True
        self._ask_to_end()

    @property
    def is_over(self) -> bool:
        """Whether it was ended for good."""
        return self._ending and self.child is None

    @property
    def is_settled(self) -> bool:
        """Whether it runs, and was not told to end."""
        return self.child is not None and self._kill_at_s is None

    def _ask_to_end(self) -> None:
        if self.child is not None and self._kill_at_s is None:
            self._kill_at_s = self._now() + END_WITHIN_S
            processes.terminate(self.child)

    def _start(self) -> None:
        try:
            self.child = self._duty.start()
        except OSError as exc:
            logger.error("ward.not_started", extra={"ward": self._duty.name, "reason": str(exc)})  # noqa: TRY400 - its sentence says it all
            self._set(ends=self.status.ends + 1)
            self._retry.failed(round(self._now() * 1e9))
            return
        self._started_s = self._now()
        self._set(pid=self.child.pid, starts=self.status.starts + 1)
        logger.info("ward.started", extra={"ward": self._duty.name, "pid": self.child.pid})

    def _ended(self, code: int) -> None:
        if self.child is None:
            return
        asked, self._kill_at_s = self._kill_at_s is not None, None
        processes.kill(self.child)  # what it started
        self.child = None
        ran_s = self._now() - self._started_s
        self._set(pid=0, exit_code=code, ends=self.status.ends + (not asked))
        logger.info("ward.ended", extra={"ward": self._duty.name, "exit_code": code, "asked": asked})
        if asked or ran_s >= CALM_S:
            self._retry.succeeded()
        if not asked:
            self._retry.failed(round(self._now() * 1e9))
        else:
            self.tick()

    def _hangs(self) -> bool:
        """A process that has not said anything yet is given the time that one may be silent."""
        age = age_s(self._duty.status)
        still_s = self._now() - self._started_s
        if age is not None and is_stale(self._duty.status, age):
            still_s = min(age, still_s)
        elif age is not None:
            return False
        return still_s >= self._duty.hang_after_s

    def _set(self, **change: object) -> None:
        self.status = msgspec.structs.replace(self.status, **change)
