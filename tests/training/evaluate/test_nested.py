from itertools import chain

import numpy as np
import pytest

from training.evaluate.nested import best, by_file, by_group, choose, deal, interval, pooled


def test_every_file_is_in_exactly_one_fold_of_a_deal_and_deals_differ() -> None:
    dealt = deal(13, repeats=4)
    assert all(sorted(chain.from_iterable(folds)) == list(range(13)) for folds in dealt)
    assert len({str(folds) for folds in dealt}) == 4
    assert dealt == deal(13, repeats=4)


def test_a_file_has_no_say_in_its_own_setting() -> None:
    good, bad = (10, 0, 0, 10), (0, 10, 10, 0)
    table = np.array([[good, bad]] + [[bad, good]] * 4, dtype=np.float64)
    chosen = choose(table, deal(5, repeats=3), cap=None)
    assert (chosen[:, 0] == 1).all()  # alone it would have chosen 0
    assert [each.true_positive for each in pooled(table, chosen)] == [40, 40, 40]


def test_the_folds_of_groups_keep_a_group_together() -> None:
    assert by_group(["a", "b", "a", "c"]) == [[[0, 2], [1], [3]]]


def test_a_cap_takes_the_best_that_keeps_it_and_else_the_quietest() -> None:
    counts = np.array([(90, 50, 10, 50), (60, 5, 40, 95), (50, 4, 50, 96)], dtype=np.float64)
    assert best(counts, cap=None) == 0
    assert best(counts, cap=10) == 1
    assert best(counts, cap=1) == 2


def test_the_same_files_give_the_same_interval_and_equals_differ_by_nothing() -> None:
    random = np.random.default_rng(5)
    ours, theirs = random.integers(0, 50, size=(2, 12, 4)).astype(np.float64)
    assert interval(ours, theirs) == interval(ours, theirs)
    assert interval(ours, ours) == (0, 0, 0)
    found = interval(ours, theirs)
    assert found.low < found.difference < found.high


def test_the_interval_is_the_one_of_a_case_worked_by_hand() -> None:
    # one file of two is right and one is wrong: F1 of a resample is 0, 1/2 or 1, the rival's always 1/2
    ours = np.array([(2, 0, 0, 0), (0, 1, 1, 0)], dtype=np.float64)
    theirs = np.array([(1, 1, 1, 0), (1, 1, 1, 0)], dtype=np.float64)
    found = interval(ours, theirs)
    assert found.difference == pytest.approx(4 / 6 - 0.5)
    assert (found.low, found.high) == (-0.5, 0.5)


def test_means_over_repeats_are_by_file() -> None:
    table = np.array([[(1, 0, 0, 0), (3, 0, 0, 0)], [(0, 2, 0, 0), (0, 4, 0, 0)]], dtype=np.float64)
    assert by_file(table, np.array([[0, 1], [1, 1]])).tolist() == [[2, 0, 0, 0], [0, 4, 0, 0]]
