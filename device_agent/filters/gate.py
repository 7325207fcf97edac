"""One sensor's filter: watches until it knows what is normal, then judges a window every few scans.

    calibrating ──(enough scans)──▶ armed ──▶ a verdict every hop, or none where too much is missing
         ▲                            │
         └──── kept calibration does not fit, or someone asked for another

A verdict depends on this and earlier scans only. Not here: how what is normal follows the sensor
(``device_agent.filters.normal``), when a verdict becomes an episode (``device_agent.condense.episodes``).
"""

import logging
import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from device_agent.filters.arming import calibrate
from device_agent.filters.calibration import Array, Calibration
from device_agent.filters.deseasoned import DeseasonedReadings, of_centre
from device_agent.filters.distance import distances
from device_agent.filters.model import LevelModel
from device_agent.filters.normal import MovingNormal, pace
from device_agent.filters.runtime import FloatArray
from device_agent.filters.settled import Mask
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.filters.store import CalibrationStore
from device_agent.filters.window import WindowRing
from device_agent.sensors.port import Channel

logger = logging.getLogger(__name__)

GateState = Literal["calibrating", "armed"]

KEEP_EVERY_S: Final = 3600.0
"""How often the centre, where it has moved to, is kept against a power cut."""

LARGEST: Final = float(np.finfo(np.float32).max)
"""A reading beyond this, or infinite, is a gap: in a calibration it would leave its channel without a spread."""

ASK_AGAIN_S: Final = 60.0
"""After a calibration could not be forgotten."""

MIN_VALID: Final = WINDOW_SCANS // 2
"""Fewer readings than this in a window: a channel is left out; if all channels are, there is no verdict."""


class Verdict(NamedTuple):
    """What the filter says about the window that ends with the latest scan.

    Attributes:
        score: Largest channel score; 1.0 is the alarm threshold.
        channel_score: By channel.
        deviation: Level minus centre by channel, in present spreads.
        moved: How far each centre has gone since calibration, in calibrated spreads.
        gaps: Some reading in the window was missing.
    """

    score: float
    channel_score: FloatArray
    deviation: FloatArray
    moved: FloatArray
    gaps: bool


class LevelGate:
    """Filters one sensor; one thread at a time.

    Attributes:
        windows: Windows judged.
        unscored: Windows of an armed filter without verdict, because too much was missing.
        recalibrations: Kept calibrations refused or unwanted, and calibrations that had to begin again.
        unsaved: Calibrations that could not be written; the filter works on, a restart will calibrate again.
    """

    def __init__(  # noqa: PLR0913 - one argument per thing a sensor's filter needs
        self,
        channels: Sequence[Channel],
        model: LevelModel,
        store: CalibrationStore,
        *,
        rate_hz: float,
        calibration_scans: int,
        hop_scans: int,
        false_per_week: float = 1.0,
        season: DeseasonedReadings | None = None,
    ) -> None:
        self._channels, self._model, self._store = tuple(channels), model, store
        self._rate_hz, self._needed, self._hop = rate_hz, calibration_scans, hop_scans
        self._season, self._missed = season, 0
        self._alarmed: Mask = np.zeros(len(self._channels), dtype=np.bool_)
        self._ring = WindowRing(len(self._channels))
        self._seen: list[Array] = []
        self._since_verdict = self._since_kept = self._since_asked = 0
        self._keep_every = max(1, round(KEEP_EVERY_S * rate_hz))
        self.windows = self.unscored = self.recalibrations = self.unsaved = 0
        self._normal: MovingNormal | None = None
        self._pace = pace(rate_hz=rate_hz, hop_scans=hop_scans)
        self._false_per_week = false_per_week
        self._restore()

    @property
    def state(self) -> GateState:
        """Whether it judges yet."""
        return "calibrating" if self._normal is None else "armed"

    @property
    def calibration(self) -> Calibration | None:
        """The present calibration, its centre where it has moved to; ``None`` while calibrating."""
        return self._normal.calibration if self._normal else None

    @property
    def unwatched(self) -> int:
        """How many channels were too often missing to be calibrated."""
        return int((~self._normal.watched).sum()) if self._normal else 0

    def skip(self, scans: int) -> None:
        """Takes note of deadlines for which no scan was taken."""
        self._ring.skip(scans)
        self._missed += scans

    def push(self, values: Array, wall_ms: int) -> Verdict | None:
        """Takes a scan (NaN for a gap, and so is what float32 cannot hold); returns a verdict where one is due."""
        values = np.where(np.abs(values) <= LARGEST, values, np.nan)
        if self._season is not None:
            values = self._without_season(self._season, values, wall_ms)
        valid = np.isfinite(values)
        self._ring.push(np.where(valid, values, 0.0).astype(np.float32), valid.astype(np.float32))
        self._heed_wish(1)
        if self._normal is None:
            if valid.any():
                self._watch(values, wall_ms)
            return None
        return self._due(self._normal, 1)

    @property
    def due_in(self) -> int:
        """So many scans may be taken at once: with the last of them something may happen, before it nothing can."""
        asks = max(1, math.ceil(self._rate_hz) - self._since_asked)
        if self._normal is None:
            return min(asks, self._needed - len(self._seen))
        return max(1, min(asks, self._hop - self._since_verdict, self._keep_every - self._since_kept))

    def extend(self, values: Array, wall_ms: Sequence[int]) -> Verdict | None:
        """Takes neighbouring scans, at most ``due_in`` of them; returns what ``push`` would of the last."""
        if self._season is not None:
            return [self.push(row, at_ms) for row, at_ms in zip(values, wall_ms, strict=True)][-1]
        values = np.where(np.abs(values) <= LARGEST, values, np.nan)
        valid = np.isfinite(values)
        self._ring.extend(np.where(valid, values, 0.0).astype(np.float32), valid.astype(np.float32))
        first = len(values) - 1 if self._heed_wish(len(values)) else 0
        if self._normal is None:
            for row, at_ms in zip(values[first:], wall_ms[first:], strict=True):
                if np.isfinite(row).any():
                    self._watch(row, at_ms)
            return None
        return self._due(self._normal, len(values))

    def keep(self) -> None:
        """Keeps the calibration with its present centre, so that a restart goes on from there."""
        self._since_kept = 0
        calibration = self.calibration
        if calibration is None:
            return
        try:
            self._store.save(calibration)
        except OSError as exc:
            self.unsaved += 1
            logger.warning("calibration.unsaved", extra={"reason": str(exc)})

    def _without_season(self, season: DeseasonedReadings, values: Array, wall_ms: int) -> Array:
        taken = season.take(values, wall_ms, missed=self._missed, alarmed=self._alarmed)
        self._missed = 0
        if taken.correction is not None:
            self._ring.add(taken.correction.astype(np.float32))
            moved = of_centre(taken.correction)
            self._seen = [scan + moved for scan in self._seen]
            if self._normal is not None:
                self._normal.shift(moved)
                self.keep()
        return taken.values

    def _due(self, normal: MovingNormal, scans: int) -> Verdict | None:
        """After so many scans more."""
        self._since_kept += scans
        if self._since_kept >= self._keep_every:
            self.keep()
        self._since_verdict += scans
        if self._since_verdict < self._hop:
            return None
        self._since_verdict = 0
        return self._judge(normal)

    def _heed_wish(self, scans: int) -> bool:
        """Once a second, or every scan: begins anew where someone wants it, and says whether it did."""
        self._since_asked += scans
        if self._since_asked < self._rate_hz:
            return False
        self._since_asked = 0
        if not self._store.is_unwanted():
            return False
        try:
            self._store.forget()
        except OSError as exc:
            logger.warning("calibration.not_forgotten", extra={"reason": str(exc)})
            self._since_asked = -round(ASK_AGAIN_S * self._rate_hz)
            return False
        self._normal, self._seen = None, []
        self.recalibrations += 1
        logger.info("filter.calibrating_again", extra={"reason": "asked for"})
        return True

    def _judge(self, normal: MovingNormal) -> Verdict | None:
        window, tensors = self._ring.view(), normal.tensors
        counts = window.valid.sum(axis=0)
        heard = (counts >= MIN_VALID) & normal.watched
        if not heard.any():
            self.unscored += 1
            return None
        judged = tensors._replace(inv_rise=tensors.inv_rise * heard, inv_fall=tensors.inv_fall * heard)
        scored = self._model.score(window.values, window.valid, judged)
        self.windows += 1
        deviation: FloatArray = np.where(heard, scored.level, np.float32(0))
        verdict = Verdict(
            scored.score,
            scored.channel_score,
            deviation,
            normal.moved,
            gaps=bool((counts[normal.watched] < WINDOW_SCANS).any()),
        )
        self._alarmed = scored.channel_score >= 1
        normal.learn(
            window.values[-1], window.valid[-1] > 0, deviation=deviation, score=scored.channel_score, at=self._pace
        )
        return verdict

    def _watch(self, values: Array, wall_ms: int) -> None:
        self._seen.append(values)
        if len(self._seen) < self._needed:
            return
        scans, self._seen = np.array(self._seen), []
        made = calibrate(scans, self._channels, self._model, rate_hz=self._rate_hz, wall_ms=wall_ms)
        if made is None:
            self.recalibrations += 1
            logger.warning("filter.calibration_failed", extra={"reason": "every channel is mostly gaps"})
            return
        self._arm(made)
        self.keep()

    def _arm(self, calibration: Calibration) -> None:
        far = distances(rate_hz=self._rate_hz, false_per_week=self._false_per_week, scans=calibration.scans)
        self._normal = MovingNormal(calibration, far)
        logger.info("filter.armed", extra={"scans": calibration.scans, "unwatched": self.unwatched})

    def _restore(self) -> None:
        kept = None if self._store.is_unwanted() else self._store.load()
        if kept is None:
            return
        if kept.fits(self._channels, self._rate_hz, self._model.sha256):
            self._arm(kept)
        else:
            self.recalibrations += 1
            logger.info("filter.calibration_refused", extra={"reason": "made for another set-up"})
