import numpy as np
import pytest

from device_agent.filters.settled import Place, Settling

FOLLOW, CREEP = 1 / 100, 1 / 5000
ALL = np.array([True])
NONE = np.array([False])


def _take(settling: Settling, reading: float, *, suspicious: bool = True, heard: bool = True) -> Place | None:
    readings = np.array([reading], dtype=np.float32)
    return settling.take(readings, ALL if heard else NONE, ALL if suspicious else NONE, follow=FOLLOW, creep=CREEP)


def _feed(settling: Settling, readings: np.ndarray) -> Place | None:
    places = [place for reading in readings.tolist() if (place := _take(settling, reading)) is not None]
    return places[0] if places else None


def _noise(scans: int) -> np.ndarray:
    return np.random.default_rng(5).normal(40, 2, scans)


def test_ten_thousand_suspicious_scans_at_a_steady_level_settle_it_there() -> None:
    assert _feed(Settling(1), _noise(9_990)) is None
    place = _feed(Settling(1), _noise(10_200))
    assert place is not None
    assert place.centre == pytest.approx([40], abs=0.3)
    assert place.spread == pytest.approx([2], rel=0.1)


def test_one_quiet_verdict_begins_anew() -> None:
    settling = Settling(1)
    _feed(settling, _noise(9_000))
    _take(settling, 40, suspicious=False)
    assert _feed(settling, _noise(9_000)) is None


def test_a_channel_that_still_moves_has_not_settled() -> None:
    assert _feed(Settling(1), _noise(20_000) + np.linspace(0, 2000, 20_000)) is None


def test_a_gap_is_no_reading() -> None:
    settling = Settling(1)
    for _ in range(9_000):
        _take(settling, 40.0)
        _take(settling, 0.0, heard=False)
    place = _feed(settling, np.full(2000, 40.0))
    assert place is None or place.centre == pytest.approx([40])


def test_a_constant_is_steady() -> None:
    place = _feed(Settling(1), np.full(10_100, 5.5))
    assert place is not None
    assert (place.centre[0], place.spread[0]) == (5.5, 0.0)
