import numpy as np

from device_agent.filters.signature import WINDOW_SCANS
from device_agent.filters.window import WindowRing

ONE = np.ones(1, dtype=np.float32)


def test_the_window_holds_the_latest_scans_oldest_first() -> None:
    ring = WindowRing(1)
    for n in range(WINDOW_SCANS + 10):
        ring.push(ONE * n, ONE)
        expected = list(range(max(0, n - WINDOW_SCANS + 1), n + 1))
        assert ring.view().values[-len(expected) :, 0].tolist() == expected


def test_scans_that_have_not_come_yet_are_gaps() -> None:
    ring = WindowRing(1)
    ring.push(ONE, ONE)
    assert ring.view().valid[:, 0].tolist() == [0] * (WINDOW_SCANS - 1) + [1]


def test_a_missed_scan_keeps_its_place_as_a_gap() -> None:
    ring = WindowRing(1)
    ring.push(ONE, ONE)
    ring.skip(2)
    ring.push(ONE, ONE)
    assert ring.view().valid[-4:, 0].tolist() == [1, 0, 0, 1]


def test_a_long_silence_empties_the_window() -> None:
    ring = WindowRing(1)
    ring.push(ONE, ONE)
    ring.skip(10**9)
    assert not ring.view().valid.any()
