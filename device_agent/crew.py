"""The stages of a process, each on a thread that can be ended and begun anew with another document.

```
a document ─▶ for every stage: does it concern you?  no: go on as before
                                                     yes: stop, drain, begin anew
```
So a change of the uplink loses no sample, and a change of the sensors leaves the connection alone. A stage that fails
ends the process, unless whoever called ``apply`` goes back to an earlier document.

Not here: threads within a stage (``device_agent.supervisor``), where documents come from (``device_agent.reloading``,
``device_agent.greengrass.changes``).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from device_agent.config import Extends, FleetConfig, GatewayConfig, UpdatesConfig
from device_agent.errors import ThresherError

END_WITHIN_S: Final = 3.2
"""Of one stage under Greengrass, draining included: the classic nucleus kills five seconds after SIGTERM."""

logger = logging.getLogger(__name__)


class Stage(NamedTuple):
    """One.

    Attributes:
        name: Of its thread.
        concerns: The part of a document that it works by; as long as that is equal, a change is nothing to it.
        run: Works until the event is set; returns within the time that its crew gives.
    """

    name: str
    concerns: Callable[[GatewayConfig], object]
    run: Callable[[GatewayConfig, threading.Event], None]


def what_sensing_needs(config: GatewayConfig) -> object:
    """The part of a document that sensing works by: of the uplink only how much one publish may hold."""
    rest = msgspec.structs.replace(config, uplink=None, updates=UpdatesConfig(), extends=Extends(), fleet=FleetConfig())
    return rest, config.uplink.envelope_bytes() if config.uplink else None


def what_forwarding_needs(config: GatewayConfig) -> object:
    """The part of a document that forwarding works by."""
    return config.gateway, config.state_dir, config.spool, config.uplink, config.fleet


class _Shift:
    """One stage at work by one document."""

    def __init__(self, stage: Stage, config: GatewayConfig, failed: Callable[[BaseException], None]) -> None:
        self.part = stage.concerns(config)
        self._stage, self._config, self._failed = stage, config, failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=stage.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> bool:
        self._thread.join(max(0.0, timeout_s))
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._stage.run(self._config, self._stop)
        except BaseException as exc:
            if not isinstance(exc, ThresherError):  # its sentence says it all; a bug needs its traceback
                logger.exception("stage.failed", extra={"stage": self._stage.name})
            self._failed(exc)


class Crew:
    """All stages. One thread calls it; ``config`` may be read by any.

    Args:
        stages: In the order in which they begin; they end together.
        end_within_s: How long stages may take to end.

    Attributes:
        config: By which they work; ``None`` before the first.
        restarts: Times a stage began anew.
    """

    def __init__(self, stages: Sequence[Stage], *, end_within_s: float = END_WITHIN_S) -> None:
        self._stages = tuple(stages)
        self._end_within_s = end_within_s
        self._shifts: dict[str, _Shift] = {}
        self._failure: BaseException | None = None
        self.config: GatewayConfig | None = None
        self.restarts = 0

    def apply(self, config: GatewayConfig) -> list[str]:
        """Works by this document from now on; returns the names of the stages that began (anew)."""
        concerned = [each for each in self._stages if not self._works_by(each, config)]
        leaving = [self._shifts[each.name] for each in concerned if each.name in self._shifts]
        for shift in leaving:
            shift.stop()
        self._join(leaving)
        self.check()
        self.config = config
        self.restarts += len(leaving)
        for stage in concerned:
            self._shifts[stage.name] = _Shift(stage, config, self._fail)
        return [stage.name for stage in concerned]

    @property
    def is_working(self) -> bool:
        """Whether any stage is at work."""
        return any(shift.is_alive for shift in self._shifts.values())

    def check(self) -> None:
        """Raises what a stage failed with."""
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Ends all of them; raises what one failed with."""
        for shift in self._shifts.values():
            shift.stop()
        self._join(list(self._shifts.values()))
        self.check()

    def _works_by(self, stage: Stage, config: GatewayConfig) -> bool:
        shift = self._shifts.get(stage.name)
        return shift is not None and shift.part == stage.concerns(config)

    def _join(self, shifts: Sequence[_Shift]) -> None:
        end_s = time.monotonic() + self._end_within_s
        ended = [shift.join(end_s - time.monotonic()) for shift in shifts]
        if not all(ended):
            reason = f"a stage did not end within {self._end_within_s:g} s"
            self._fail(ThresherError(reason, remedy="see thread.hung above"))

    def _fail(self, failure: BaseException) -> None:
        self._failure = self._failure or failure
