"""The usual course of a day and of a week, taken off the readings before a level is made of them.

    a day is over ─▶ its 24 hourly means, less the day's mean     ─▶ the usual day      (known after 5 days)
                  └▶ the same, less the mean of the days before   ─▶ this weekday's one (known after 3 such days)

Rules: hours are UTC hours of the gateway's clock. A day of which too little was heard teaches nothing. A new day
weighs at least a seventh, a weekday's new one a third, so a season that changes, or a daylight saving time, is
learnt within weeks. Between the
middles of two hours the course is a straight line.
Not here: what a step of the clock does to the centre (``gate``), keeping the course (``season_store``).
"""

from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from device_agent.filters.calibration import Array

HOURS: Final = 24
DAYS_KNOWN: Final = 5
WEEKDAYS_KNOWN: Final = 3
HOURS_HEARD: Final = 20
"""Of a day, that it may teach anything."""

_DAY_WEIGHT: Final = 1 / 7
_WEEKDAY_WEIGHT: Final = 1 / 3
_MS_PER_HOUR: Final = 3_600_000
_WEEKDAYS: Final = 7

Rows = tuple[tuple[float, ...], ...]


class Course(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was learnt; deviations in the channels' units.

    Attributes:
        channels: Names; another set of channels learns anew.
        days: How many taught.
        day: The usual day, 24 rows of one number per channel.
        weekdays: How many of each weekday taught, Monday first.
        week: Each weekday's own course, 168 rows.
        mean: Of the days so far, later ones heavier.
    """

    channels: tuple[str, ...]
    days: int
    day: Rows
    weekdays: tuple[int, ...]
    week: Rows
    mean: tuple[float, ...]

    def fits(self, channels: tuple[str, ...]) -> bool:
        """Whether it is whole, and of these channels."""
        rows = (*self.day, *self.week, self.mean)
        return (
            self.channels == channels
            and (len(self.day), len(self.week), len(self.weekdays)) == (HOURS, HOURS * _WEEKDAYS, _WEEKDAYS)
            and {len(row) for row in rows} == {len(channels)}
            and bool(np.isfinite(rows).all())
        )


class Season:
    """One sensor's. One thread at a time.

    Args:
        channels: Names, in the order of readings.
        course: What was learnt before; ``None`` or another sensor's begins anew.
    """

    def __init__(self, channels: tuple[str, ...], course: Course | None) -> None:
        self._channels, width = channels, len(channels)
        if course is None or not course.fits(channels):
            course = Course(
                channels=channels,
                days=0,
                day=((0.0,) * width,) * HOURS,
                weekdays=(0,) * _WEEKDAYS,
                week=((0.0,) * width,) * (HOURS * _WEEKDAYS),
                mean=(0.0,) * width,
            )
        self._days, self._day = course.days, np.array(course.day)
        self._weekdays = list(course.weekdays)
        self._week = np.array(course.week).reshape(_WEEKDAYS, HOURS, width)
        self._mean = np.array(course.mean)
        self._today: int | None = None
        self._sum, self._count = np.zeros((HOURS, width)), np.zeros((HOURS, width))

    @property
    def is_known(self) -> bool:
        """Whether enough days taught it."""
        return self._days >= DAYS_KNOWN

    @property
    def course(self) -> Course:
        """What was learnt so far."""
        return Course(
            channels=self._channels,
            days=self._days,
            day=_rows(self._day),
            weekdays=tuple(self._weekdays),
            week=_rows(self._week.reshape(HOURS * _WEEKDAYS, -1)),
            mean=tuple(self._mean.tolist()),
        )

    def offset(self, wall_ms: int) -> Array:
        """What is usual at this time, to be taken off a reading; zeros until it is known."""
        if not self.is_known:
            return np.zeros(len(self._channels))
        hour, rest = divmod(wall_ms - _MS_PER_HOUR // 2, _MS_PER_HOUR)
        share = rest / _MS_PER_HOUR
        usual: Array = (1 - share) * self._usual(hour) + share * self._usual(hour + 1)
        return usual

    def ends_a_day(self, wall_ms: int) -> bool:
        """Whether a reading of this time is another day's than the last."""
        return self._today is not None and wall_ms // _MS_PER_HOUR // HOURS != self._today

    def take(self, values: Array, wall_ms: int) -> bool:
        """Takes readings (NaN for a gap); returns whether a day ended with them and taught something."""
        hour = wall_ms // _MS_PER_HOUR
        day, taught = hour // HOURS, False
        if day != self._today:
            taught = self._today is not None and self._learn(self._today)
            self._today = day
            self._sum[:], self._count[:] = 0.0, 0.0
        heard = np.isfinite(values)
        self._sum[hour % HOURS] += np.where(heard, values, 0.0)
        self._count[hour % HOURS] += heard
        return taught

    def _usual(self, hour: int) -> Array:
        weekday = _weekday(hour // HOURS)
        known = self._weekdays[weekday] >= WEEKDAYS_KNOWN
        usual: Array = self._week[weekday, hour % HOURS] if known else self._day[hour % HOURS]
        return usual

    def _learn(self, day: int) -> bool:
        heard = self._count > 0
        if (heard.sum(axis=0) < HOURS_HEARD).all():
            return False
        hourly = self._sum / np.maximum(self._count, 1)
        mean = (hourly * heard).sum(axis=0) / np.maximum(heard.sum(axis=0), 1)
        heard &= heard.sum(axis=0) >= HOURS_HEARD
        weekday = _weekday(day)
        before = self._mean if self._days else mean
        of_day, of_weekday = (
            max(1 / (n + 1), least)
            for n, least in ((self._days, _DAY_WEIGHT), (self._weekdays[weekday], _WEEKDAY_WEIGHT))
        )
        self._day += np.where(heard, of_day * (hourly - mean - self._day), 0.0)
        self._week[weekday] += np.where(heard, of_weekday * (hourly - before - self._week[weekday]), 0.0)
        self._mean += np.where(heard.any(axis=0), of_day * (mean - self._mean), 0.0)
        self._days += 1
        self._weekdays[weekday] += 1
        return True


def _weekday(day: int) -> int:
    """Monday is 0; ``day`` counts from 1970-01-01, a Thursday."""
    return datetime.fromtimestamp(day * HOURS * 3600, UTC).weekday()


def _rows(array: Array) -> Rows:
    return tuple(tuple(row) for row in array.tolist())
