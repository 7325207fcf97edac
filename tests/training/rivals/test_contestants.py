"""What every contestant must keep, ours included: no row is judged from later rows, or from its number."""

import numpy as np
import pytest

from tests.training.rivals.scenes import CALIBRATION, scene, with_normal_rows_before
from training.evaluate import ours
from training.evaluate.families import families
from training.rivals import trivial
from training.rivals.port import BUDGET, Detector, Family

FAMILIES = {family.name: family for family in families() if not family.missing}
DETECTORS = {family.variants[at].label: family.variants[at] for family in FAMILIES.values() for at in (0, -1)}
del DETECTORS["conv-ae 1 output window"]  # the same but for its last layer, and training takes a second
BLIND = {label: detector for label, detector in DETECTORS.items() if not isinstance(detector, trivial.Position)}


@pytest.mark.parametrize("label", DETECTORS)
def test_a_row_is_judged_from_rows_up_to_itself(label: str) -> None:
    whole, detector = scene(gaps=True), DETECTORS[label]
    scores = detector.scores(whole)
    assert len(scores) == len(whole.values)
    for row in np.random.default_rng(3).integers(CALIBRATION + 1, len(scores), size=3):
        early = detector.scores(whole.until(int(row)))
        np.testing.assert_allclose(early, scores[:row], rtol=1e-4, atol=1e-5)


def agreement(detector: Detector, prefix: int) -> float:
    """Share of rows called alike with and without more normal rows before; a window's length after the seam aside."""
    given, settled = scene(rows=900, fault=(700, 800)), 100
    family = next(family for family in FAMILIES.values() if detector in family.variants)
    decision = family.decisions[len(family.decisions) // 2]
    plain = decision.calls(detector.scores(given), CALIBRATION)[CALIBRATION + settled :]
    moved = decision.calls(detector.scores(with_normal_rows_before(given, prefix)), CALIBRATION)
    return float((plain == moved[CALIBRATION + prefix + settled :]).mean())


@pytest.mark.parametrize("prefix", [1, 77, 1000])
@pytest.mark.parametrize("label", BLIND)
def test_normal_rows_before_change_nothing_of_what_follows(label: str, prefix: int) -> None:
    assert agreement(BLIND[label], prefix) > 0.97


def test_5000_normal_rows_change_nothing_of_what_ours_says() -> None:
    assert agreement(FAMILIES[ours.frozen().name].variants[0], 5000) > 0.97


def test_a_contestant_that_counts_rows_is_told_by_these_tests() -> None:
    position = FAMILIES[trivial.position_only().name].variants[9]
    assert agreement(position, 1000) < 0.9


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_no_rival_has_fewer_settings_to_choose_from_than_ours(family: Family) -> None:
    assert family.settings in ((1, 25, BUDGET) if family.name.startswith("Thresher") else (1, BUDGET))
    assert len({variant.label for variant in family.variants}) == len(family.variants)
