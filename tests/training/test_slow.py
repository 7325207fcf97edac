import numpy as np
import pytest

from training.slow import KINDS, measure, series, wander


def test_the_same_seed_gives_the_same_series_and_another_seed_another() -> None:
    (one, faulty), (again, _), (other, _) = (series(KINDS[2], seed) for seed in (1, 1, 2))
    assert (one.values == again.values).all()
    assert (one.values != other.values).any()
    assert 250 <= faulty.sum() <= 750
    assert not faulty[: one.calibration].any()


def test_a_wander_has_the_spread_it_is_given() -> None:
    found = wander(np.random.default_rng(1), 50_000, memory=20, spread=3.0)
    assert found.std() == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("kind", KINDS[1:], ids=lambda kind: kind.name)
def test_faults_of_slow_sensors_are_caught_and_the_operators_number_is_kept(kind) -> None:
    found = measure(kind, 1.0, count=1)
    assert found.planted == 5
    assert found.fresh >= 4
    assert found.false_found_per_week <= 1.5
