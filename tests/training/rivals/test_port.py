import numpy as np
import pytest

from training.rivals.port import Decision, held, smoothed
from training.rivals.scene import Scene


def test_smoothing_is_the_weighted_mean_of_the_scores_so_far() -> None:
    smooth = smoothed(np.array([4.0, 1.0, np.nan, 2.0]), 3)
    assert smooth[0] == 4
    assert smooth[1] == pytest.approx((0.5 * 4 + 1) / 1.5)
    assert np.isnan(smooth[2])
    assert smooth[3] == pytest.approx((0.125 * 4 + 0.25 * 1 + 2) / 1.375)


def test_a_call_lasts_until_the_score_is_below_its_release() -> None:
    scores = np.array([9.0, 0.5, 1.0, 0.8, np.nan, 0.7, 0.69, 0.9])
    assert held(scores, 1.0, 0.7, 1).tolist() == [False, False, True, True, True, True, False, False]


def test_no_calibration_row_is_ever_called() -> None:
    assert held(np.full(6, 2.0), 1.0, 0.7, 4).tolist() == [False] * 4 + [True] * 2


def test_a_score_counts_in_units_of_what_its_calibration_showed() -> None:
    scores = np.concatenate([np.linspace(0, 10, 101), [19.0, 21.0]])
    assert Decision(1, 2.0, 1.0).calls(scores, 101).tolist()[-2:] == [False, True]  # .99 quantile: 9.9
    assert Decision(1, 20.0, 1.0, own_scale=True).calls(scores, 101).tolist()[-2:] == [False, True]


def test_a_gap_holds_the_last_reading_and_before_the_first_the_calibrations_median() -> None:
    values = np.array([[np.nan, 1.0], [3.0, np.nan], [5.0, 3.0], [np.nan, np.nan]])
    filled = Scene(("a", "b"), np.arange(4.0), values, 3).filled()
    assert filled.tolist() == [[4.0, 1.0], [3.0, 1.0], [5.0, 3.0], [5.0, 3.0]]
