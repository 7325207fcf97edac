"""One sensor's scans to accepted events, wherever the scans come from.

```
scans ─▶ pipeline ─▶ accept (fsync)            a new model: finish ─▶ the same calibration folder, the next pipeline
```
An event counts as accepted when ``accept`` returned, never before.

Not here: taking scans (``device_agent.line``), what becomes of them (``device_agent.pipeline``).
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from contract.events import SensorState
from contract.health import ShadowHealth
from contract.kinds import AnyEvent
from device_agent.clock import Clock
from device_agent.config import GatewayConfig
from device_agent.errors import ModelError
from device_agent.feedback.view import FeedbackView
from device_agent.filters.model import LevelModel
from device_agent.filters.models import Models
from device_agent.filters.tally import FilterStatus, Tally
from device_agent.identity import Identity
from device_agent.judging import opened_by
from device_agent.pipeline import SensorPipeline
from device_agent.sensors.port import Channel, Scan
from device_agent.sensors.scan_block import ScanBlock, singly
from device_agent.spectral.plan import judged_of
from device_agent.standstill import Standstill

Accept = Callable[[Sequence[AnyEvent]], None]

Watch = Callable[[str, Sequence[Channel], float, Sequence[Scan]], None]
"""Sees the cleaned scans of a sensor, by its name, channels and rate; never waits."""

logger = logging.getLogger(__name__)


class Surroundings(NamedTuple):
    """What all sensors of a process share."""

    config: GatewayConfig
    identity: Identity
    clock: Clock
    accept: Accept
    models: Models
    feedback: FeedbackView | None = None
    watch: Watch | None = None
    standstill: Standstill = Standstill()


class Shape(NamedTuple):
    """What a sensor is, as far as its filter must know.

    Attributes:
        name: Of the sensor.
        channels: What each scan holds.
        rate_hz: Scans a second.
        speed: Seconds of the sensor's own time in a second: a recording that is played faster is judged as it was.
    """

    name: str
    channels: tuple[Channel, ...]
    rate_hz: float
    speed: float = 1.0


class Condenser:
    """One sensor's pipeline and its way into the spool. One thread takes; any may look.

    Args:
        shape: Of the sensor.
        around: What it shares with the others.
        opened: Told the id of each episode that opens, once that is accepted.

    Attributes:
        shape: See there.
        accepted: Events so far.
        raw_bytes: What the scans so far would weigh as compact JSON.

    Raises:
        ModelError: The model cannot be used.
    """

    def __init__(self, shape: Shape, around: Surroundings, *, opened: Callable[[str], None] | None = None) -> None:
        self.shape = shape
        self.accepted = 0
        self._around = around
        self._opened = opened
        self._judged = len(judged_of(shape.channels))
        self._version = around.models.version()
        self._shadows_refused = 0
        self._tally, self._label = Tally(), ""
        self._pipeline = self._with(around.models.begin(self._judged) if self._judged else None)
        self._before = 0, 0
        self._models_taken = self._models_refused = 0

    @property
    def raw_bytes(self) -> int:
        """See the class."""
        return self._before[0] + self._pipeline.raw_bytes

    @property
    def windows(self) -> int:
        """Windows judged so far."""
        return self._before[1] + self._pipeline.windows

    @property
    def state(self) -> SensorState:
        """Of the filter."""
        return self._pipeline.state

    @property
    def filter_status(self) -> FilterStatus:
        """What the filter did, by whichever model."""
        return self._tally.status(self._label)

    @property
    def drifting(self) -> list[str]:
        """What has changed for longer than an episode."""
        return self._pipeline.drifting

    @property
    def raised(self) -> dict[str, float]:
        """By channel: how many times its usual threshold is in force, where that is not once."""
        return self._pipeline.raised

    @property
    def shadow(self) -> ShadowHealth | None:
        """How the candidate did, where one is tried."""
        return self._pipeline.shadow

    @property
    def has_open_episode(self) -> bool:
        """Whether a deviation is going on."""
        return self._pipeline.open_episode is not None

    @property
    def counters(self) -> Mapping[str, int]:
        """What its stages count, by name."""
        return {
            **self._pipeline.counters,
            "models_taken": self._models_taken,
            "models_refused": self._models_refused,
            "shadows_refused": self._shadows_refused,
        }

    def take(self, taken: Iterable[Scan | ScanBlock]) -> None:
        """Judges these, in order; first lets rules see them, and takes a new model, if there is one."""
        taken = list(taken)
        if self._around.watch is not None:
            scans = list(singly(taken, self.shape.channels))
            self._around.watch(self.shape.name, self.shape.channels, self.shape.rate_hz, scans)
        if self._around.models.version() != self._version:
            self._renew()
        self._keep([event for each in taken for event in self._pushed(each)])

    def open_context(self, episode: str) -> None:
        """An episode opened that this sensor's latest scans tell of."""
        self._keep(self._pipeline.open_context(episode))

    def finish(self) -> None:
        """What waits comes out; an open episode stays open, for the next process to go on with."""
        clock = self._around.clock
        self._keep(self._pipeline.finish(clock.wall_ms(), clock.monotonic_ns()))

    def _pushed(self, taken: Scan | ScanBlock) -> Sequence[AnyEvent]:
        return self._pipeline.push(taken) if isinstance(taken, Scan) else self._pipeline.push_block(taken)

    def _renew(self) -> None:
        """A model that cannot be used changes nothing: the last good one stays."""
        self._version = self._around.models.version()
        if not self._judged:
            return
        try:
            model = self._around.models.open(self._judged)
        except ModelError as exc:
            self._models_refused += 1
            logger.error("model.refused", extra={"sensor": self.shape.name, "why": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
            return
        self.finish()
        self._before = self.raw_bytes, self.windows
        self._pipeline = self._with(model)
        self._models_taken += 1
        logger.info("model.taken", extra={"sensor": self.shape.name, "model": model.label})

    def _with(self, model: LevelModel | None) -> SensorPipeline:
        around, shape = self._around, self.shape
        self._label = model.label if model else ""
        return SensorPipeline(
            shape.name,
            shape.channels,
            shape.rate_hz / shape.speed,
            config=around.config,
            identity=around.identity,
            model=model,
            feedback=around.feedback,
            candidate=self._candidate(),
            tally=self._tally,
        )

    def _candidate(self) -> LevelModel | None:
        """The model to try; one that cannot be used is left out, and costs the active filter nothing."""
        wanted = self._around.config.filter.shadow
        channels = self._judged
        if wanted is None or not channels:
            return None
        try:
            return LevelModel.load(Path(wanted.model), channels) if wanted.model else self._around.models.open(channels)
        except ModelError as exc:
            self._shadows_refused += 1
            logger.error("shadow.refused", extra={"sensor": self.shape.name, "why": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
            return None

    def _keep(self, events: Sequence[AnyEvent]) -> None:
        if events:
            self._around.accept(events)
            self.accepted += len(events)
            if self._opened is not None:
                for episode in opened_by(events):
                    self._opened(episode)
