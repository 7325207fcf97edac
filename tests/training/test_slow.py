import numpy as np
import pytest

from training.slow import KINDS, measure, series, wander


def test_the_same_seed_gives_the_same_series_and_another_seed_another() -> None:
    (one, faulty), (again, _), (other, _) = (series(KINDS[1], seed) for seed in (1, 1, 2))
    assert (one.values == again.values).all()
    assert (one.values != other.values).any()
    assert 150 <= faulty.sum() <= 450
    assert not faulty[: one.calibration].any()


def test_a_wander_has_the_spread_it_is_given() -> None:
    found = wander(np.random.default_rng(1), 50_000, memory=20, spread=3.0)
    assert found.std() == pytest.approx(3.0, rel=0.1)


def test_a_slow_machines_faults_are_caught_and_it_rarely_cries_wolf() -> None:
    found = measure(KINDS[0], 1.0, count=1)
    assert (found.planted, found.fresh) == (3, 3)
    assert found.false_found_per_week <= 1
