import numpy as np
import pytest

from training.evaluate.counts import Confusion, Episodes, episodes, spans


def rows(text: str) -> np.ndarray:
    return np.array([each == "#" for each in text])


def test_rows_are_counted_by_what_they_were_and_what_was_said() -> None:
    found = Confusion.of(rows("##..#"), rows("#.#.#"))
    assert found == (2, 1, 1, 1)
    assert found.f1() == pytest.approx(2 / 3)
    assert found.false_alarm_percent() == pytest.approx(50)
    assert found.missed_percent() == pytest.approx(100 / 3)


def test_pooled_figures_are_those_of_one_confusion_matrix() -> None:
    pooled = Confusion(6, 2, 2, 8).plus(Confusion(2, 0, 0, 0))
    assert pooled == (8, 2, 2, 8)
    assert pooled.f1() == pytest.approx(0.8)


def test_runs_have_a_first_and_a_last_row() -> None:
    assert spans(rows("##..#.#")) == [(0, 1), (4, 4), (6, 6)]


def counted(called: str, labels: str) -> Episodes:
    return episodes(rows(called), rows(labels), 2.0 * np.arange(len(labels)), 2)


def test_only_a_call_that_begins_inside_is_a_catch_and_its_delay_is_in_seconds() -> None:
    assert counted("........##..", "......#####.") == Episodes(1, (4.0,), 0, 10.0)


def test_a_call_that_was_on_already_has_told_nobody_anything() -> None:
    assert counted("....#######.", "......#####.") == Episodes(1, (), 1, 10.0)


def test_a_second_call_catches_what_an_early_one_did_not() -> None:
    assert counted("....###.##..", "......#####.") == Episodes(1, (4.0,), 1, 10.0)


def test_an_episode_that_began_within_calibration_is_not_one_to_catch() -> None:
    assert counted("...##.......", ".####.......") == Episodes(0, (), 0, 14.0)


def test_episodes_are_counted_as_caught_false_and_not_caught() -> None:
    assert counted("...#..##....", "......###.##").confusion() == (1, 1, 1, 0)
