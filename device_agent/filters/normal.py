"""What is normal now: a calibration whose centre and spread follow what the sensor does, as tensors for the model.

    channel quiet       the centre goes towards the level, fast enough for a drift
    channel suspicious  the centre only creeps, at most one threshold in ``LONG_SCANS``: a fault is not learnt, but a
                        lasting new level is normal in the end
    channel not alarmed the spread grows with what the readings show, never below the calibrated one
    channel settled     suspicious for very long and steady: centre and spread are those of its late readings

Each channel is judged by its own score, so a fault in one does not stop the others.
A threshold lies beyond what calibration showed, and at least where an alarm is worth it, but not so near the end
of the channel's range that it cannot be crossed: a processor that is usually half busy must still alarm when it
is wholly so.
Not here: from which distance an alarm is worth it (``distance``).
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from device_agent.filters.calibration import Array, Calibration
from device_agent.filters.distance import Distances, scans_for
from device_agent.filters.model import Normal
from device_agent.filters.runtime import FloatArray
from device_agent.filters.settled import Mask, Place, Settling
from device_agent.filters.signature import CLIP_SIGMA

LEAST_SIGMA: Final = 0.5
"""No alarm nearer than this, however small a channel's floor."""

NEARLY_ALL: Final = 0.9
"""Share of the room between the centre and the end of the range that the margin may fill."""

MOST: Final = 0.7
"""Share of it that the least distance worth an alarm may fill."""

NEAREST: Final = 0.25
"""Share of the least distance that stays, however little room there is: one floor, where that is four floors."""

FOLLOW_SCANS: Final = 100
"""Time constant of the centre towards the level, in scans, or in seconds for faster sensors (see ``scans_for``)."""

LONG_SCANS: Final = 5000
"""Time constant of creeping and of the spread, likewise; at one scan a second 83 minutes."""

FOLLOW_BELOW: Final = 0.7
"""A channel is quiet while its score is below this."""

MOST_GROWN: Final = 4.0
"""The spread grows to at most this many calibrated ones."""


class Pace(NamedTuple):
    """Shares of a way gone from one verdict to the next.

    Attributes:
        follow: Of the centre to the level of a quiet channel.
        creep: Of a suspicious one, in thresholds at most; and of the spread.
    """

    follow: float
    creep: float


def pace(*, rate_hz: float, hop_scans: int) -> Pace:
    """For a sensor's rate and for how many scans lie between verdicts."""
    shares = (1 - (1 - 1 / scans_for(scans, rate_hz)) ** hop_scans for scans in (FOLLOW_SCANS, LONG_SCANS))
    return Pace(*shares)


class MovingNormal:
    """One sensor's normal. The centre moves and not the level, so the clip stays as far away as it was.

    Attributes:
        tensors: For the model, now.
        watched: By channel.
        spread: Now, in the channels' units.
        limit: A reading's squared distance from the centre counts at most this, in squared calibrated spreads.
    """

    def __init__(self, calibration: Calibration, far: Distances) -> None:
        self._calibration, self._far = calibration, far
        self.watched: Mask = np.array(calibration.watched)
        self._mu, self._home = np.array(calibration.mu), np.array(calibration.home)
        self._sd, self._bulk = np.array(calibration.sd), np.array(calibration.bulk)
        self._unit, self._settling = self._sd.copy(), Settling(len(calibration.channels))
        self._square = np.array(calibration.square)
        channels = calibration.channels
        self._low = np.array([-np.inf if c.low is None else c.low for c in channels])
        self._high = np.array([np.inf if c.high is None else c.high for c in channels])
        self._rise = self.watched & [c.alarm_on != "fall" for c in channels]
        self._fall = self.watched & [c.alarm_on != "rise" for c in channels]
        self._is_ranged = bool((np.isfinite(self._low) | np.isfinite(self._high)).any())
        self._least, self._shown = self._distances()
        self._up = self._down = self._threshold(np.full(len(channels), CLIP_SIGMA))
        self._renew()

    @property
    def calibration(self) -> Calibration:
        """The calibration with its centre and spread where they are now."""
        return msgspec.structs.replace(
            self._calibration,
            mu=tuple(self._mu.tolist()),
            home=tuple(self._home.tolist()),
            sd=tuple(self._sd.tolist()),
            shown=tuple(self._shown.tolist()),
            bulk=tuple(self._bulk.tolist()),
            square=tuple(self._square.tolist()),
        )

    @property
    def moved(self) -> FloatArray:
        """How far each centre has gone since calibration, in calibrated spreads."""
        moved: FloatArray = ((self._mu - self._home) / self._unit).astype(np.float32)
        return moved

    def learn(self, latest: FloatArray, heard: Mask, *, deviation: FloatArray, score: FloatArray, at: Pace) -> None:
        """Takes what a window showed into account.

        Args:
            latest: Its latest scan, in the channels' units.
            heard: Channels with a reading in that scan.
            deviation: Level minus centre, in spreads; 0 for a channel that was not judged.
            score: Channel scores.
            at: How fast.
        """
        bounded = np.minimum(np.maximum(deviation, -self._down), self._up)
        way = np.where(score < FOLLOW_BELOW, at.follow * deviation, at.creep * bounded)
        error = (latest - self._mu) / self._sd
        taken = (at.creep * heard) * (self.watched & (score < 1))
        self._mu = self._mu + way * self.spread
        self._square = self._square + taken * (np.minimum(error * error, self.limit) - self._square)
        suspicious = self.watched & (score >= FOLLOW_BELOW)
        place = self._settling.take(latest, heard, suspicious, follow=at.follow, creep=at.creep)
        if place is not None:
            self._settle(place)
        self._renew()

    def shift(self, correction: Array) -> None:
        """Moves the centre with readings that were corrected; that is not the sensor's doing."""
        self._mu, self._home = self._mu + correction, self._home + correction
        self._renew()

    def _settle(self, place: Place) -> None:
        """As if the channel had been calibrated there; its home stays, so it is still known how far it went."""
        self._mu = np.where(place.which, place.centre, self._mu)
        self._sd = np.where(place.which, np.maximum(self._sd, place.spread), self._sd)
        self._bulk, self._square = (np.where(place.which, 1.0, row) for row in (self._bulk, self._square))
        self._shown = np.where(place.which, 0.0, self._shown)
        self._least, _ = self._distances()
        if not self._is_ranged:
            self._up = self._down = self._threshold(np.full(len(self._mu), CLIP_SIGMA))

    def _distances(self) -> tuple[Array, Array]:
        floors = np.array([channel.floor for channel in self._calibration.channels]) / self._sd
        by_floor = np.maximum(LEAST_SIGMA, self._far.floors * floors)
        return np.where(floors > 0, by_floor, self._far.sigma), np.array(self._calibration.shown)

    def _renew(self) -> None:
        grown = np.sqrt(np.minimum(np.maximum(self._square / self._bulk, 1.0), MOST_GROWN**2))
        self.spread = self._sd * grown
        if self._is_ranged:
            self._up = self._threshold(np.minimum(CLIP_SIGMA, (self._high - self._mu) / self.spread))
            self._down = self._threshold(np.minimum(CLIP_SIGMA, (self._mu - self._low) / self.spread))
        self.limit = (np.minimum(CLIP_SIGMA, np.maximum(self._up, self._down)) * grown) ** 2
        self.tensors = Normal(
            mu=self._mu.astype(np.float32),
            inv_sd=(self.watched / self.spread).astype(np.float32),
            inv_rise=(self._rise / self._up).astype(np.float32),
            inv_fall=(self._fall / self._down).astype(np.float32),
        )

    def _threshold(self, room: Array) -> Array:
        least = np.minimum(np.maximum(MOST * room, NEAREST * self._least), self._least)
        beyond = np.minimum(self._far.margin * self._shown, np.maximum(self._shown, NEARLY_ALL * room))
        threshold: Array = np.maximum(least, beyond)
        return threshold
