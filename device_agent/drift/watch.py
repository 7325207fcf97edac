"""One sensor's watch for changes that last and are no episodes.

    calibrating ─▶ reference of the first blocks ─▶ each quiet block against it ─▶ Drift: began … ended

Blocks in which an episode is open say nothing here: they are told by the episode. A new calibration begins a new
reference. After a restart the reference is still there; what had drifted is found again, and told again.
"""

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from contract.events import Aspect, Drift, SensorState
from device_agent.allowance import Allowance
from device_agent.condense.moment import Moment
from device_agent.condense.ring import Frozen
from device_agent.drift.aspects import Change, ChannelAspect, ScoreAspect
from device_agent.drift.blocks import Array, Block, Blocks
from device_agent.drift.reference import REFERENCE_BLOCKS, Reference, make_reference
from device_agent.drift.store import ReferenceStore
from device_agent.drift.wording import Named, reason_for, title
from device_agent.sensors.port import Channel

logger = logging.getLogger(__name__)

_DAY_NS: Final = 86_400_000_000_000
MOST_A_DAY: Final = 24
"""Events of one sensor; a day has a morning and an evening, and a machine may have several channels that know it."""


class Seen(NamedTuple):
    """What the filter made of a scan.

    Attributes:
        state: Of the filter.
        quiet: No episode is open.
        score: Of the window that ended with it, if one was judged.
    """

    state: SensorState
    quiet: bool
    score: float | None


class DriftWatch:
    """Watches one sensor; one thread at a time.

    Args:
        sensor: Its name.
        channels: What it measures.
        store: Where its reference is kept.
        rate_hz: Scans a second.
        patience: Blocks that a change of one step must last.

    Attributes:
        unsaved: References that could not be written; a restart will make another.
    """

    def __init__(
        self, sensor: str, channels: Sequence[Channel], store: ReferenceStore, *, rate_hz: float, patience: int
    ) -> None:
        self._sensor, self._channels, self._store = sensor, tuple(channels), store
        self._rate_hz, self._patience = rate_hz, patience
        self._blocks = Blocks(len(self._channels))
        self._gathered: list[Block] = []
        self._gathered_scores: list[float] = []
        self._scores: list[float] = []
        self._quiet = True
        self._allowance = Allowance(MOST_A_DAY, _DAY_NS)
        self.unsaved = 0
        self._reference = self._fitting(store.load())
        self._may_restart = self._reference is not None
        self._compare_with(self._reference)

    @property
    def untold(self) -> int:
        """Events beyond ``MOST_A_DAY``."""
        return self._allowance.refused

    @property
    def drifting(self) -> list[str]:
        """What is elsewhere now, such as ``level of temperature``."""
        found = [title(aspect.of, self._channels[i].name) for aspect in self._aspects for i in aspect.begun]
        return [*found, *(["score"] if self._score.begun else [])]

    def push(self, at: Moment, values: Array, seen: Seen) -> list[Drift]:
        """Takes a scan (NaN for a gap) and what the filter made of it; returns what there is to say."""
        self._note(seen)
        block = self._blocks.push(values)
        return self._compare(at, block) if block else []

    def push_rows(self, scans: Frozen, seen: Seen) -> list[Drift]:
        """Takes neighbouring scans of which the filter made the same; what ``push`` would say, one after the other."""
        made, taken, count = list[Drift](), 0, len(scans.monotonic_ns)
        while taken < count:
            self._note(seen)
            end = min(count, taken + self._blocks.room)
            if block := self._blocks.extend(scans.values[taken:end]):
                made += self._compare(scans.first.shifted_to(int(scans.monotonic_ns[end - 1])), block)
            taken = end
        return made

    def _note(self, seen: Seen) -> None:
        self._heed_calibration(seen.state)
        self._quiet = self._quiet and seen.quiet
        if seen.score is not None:
            self._scores.append(seen.score)

    def _compare(self, at: Moment, block: Block) -> list[Drift]:
        scores, quiet = self._scores, self._quiet
        self._scores, self._quiet = [], True
        if not quiet:
            return []
        score = sum(scores) / len(scores) if scores else None
        if self._reference is None:
            self._gather(at, block, score)
            return []
        changes = [change for aspect in self._aspects for change in aspect.push(block)]
        if score is not None:
            changes += self._score.push(score)
        return [self._event(at, change) for change in changes if self._allowance.take(at.monotonic_ns)]

    def _heed_calibration(self, state: SensorState) -> None:
        """A filter that calibrates anew takes what it sees for normal, and so does this."""
        if state == "calibrating" and self._may_restart:
            self._reference, self._may_restart = None, False
            self._gathered, self._gathered_scores = [], []
            self._blocks.clear()
            self._compare_with(None)
            try:
                self._store.clear()
            except OSError as exc:
                logger.warning("drift.reference_kept", extra={"reason": str(exc)})
        elif state == "armed":
            self._may_restart = True

    def _gather(self, at: Moment, block: Block, score: float | None) -> None:
        self._gathered.append(block)
        self._gathered_scores += [] if score is None else [score]
        if len(self._gathered) < REFERENCE_BLOCKS:
            return
        made = make_reference(
            self._gathered, self._gathered_scores, self._channels, rate_hz=self._rate_hz, wall_ms=at.wall_ms
        )
        self._gathered, self._gathered_scores = [], []
        self._reference = made
        self._compare_with(made)
        try:
            self._store.save(made)
        except OSError as exc:
            self.unsaved += 1
            logger.warning("drift.reference_unsaved", extra={"reason": str(exc)})

    def _compare_with(self, reference: Reference | None) -> None:
        aspects: tuple[Aspect, ...] = ("level", "spread")
        self._aspects = [ChannelAspect(of, reference, self._patience) for of in aspects] if reference else []
        self._score = ScoreAspect(reference.score if reference else None)

    def _fitting(self, kept: Reference | None) -> Reference | None:
        names = tuple(channel.name for channel in self._channels)
        return kept if kept and kept.channels == names and kept.rate_hz == self._rate_hz else None

    def _event(self, at: Moment, change: Change) -> Drift:
        channel = self._channels[change.channel] if change.channel is not None else None
        named = Named(channel.name, channel.unit) if channel else Named("", "")
        return Drift(
            wall_ms=at.wall_ms,
            monotonic_ms=at.monotonic_ms,
            sensor=self._sensor,
            phase="began" if change.began else "ended",
            of=change.of,
            channel=named.name,
            before=float(f"{change.before:.5g}"),
            now=float(f"{change.now:.5g}"),
            steps=change.steps,
            windows=self._patience,
            reason=reason_for(change, named),
        )
