"""Settings chosen on other files than the ones they are scored on, and what the difference of two is worth.

Files are dealt into five folds; for each fold the setting is taken that is best on the other four, and scored on it.
That is repeated with other deals, and figures are means over the repeats. With a cap the choice is the best among
the settings whose false-alarm rate on the other files keeps it, or the one with the lowest where none does.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from training.evaluate.counts import Confusion
from training.rivals.scene import Floats

REPEATS: Final = 50
FOLDS: Final = 5
RESAMPLES: Final = 4000
SEED: Final = 20_200_309

Table = np.ndarray[Any, np.dtype[np.float64]]
"""Files by settings by the four counts of ``Confusion``."""

Chosen = np.ndarray[Any, np.dtype[np.int64]]
"""Repeats by files: which setting a file was scored with."""


class Interval(NamedTuple):
    """Of a difference, by resampling files: 95 % of the resamples lie in it."""

    difference: float
    low: float
    high: float


def deal(files: int, *, repeats: int = REPEATS, seed: int = SEED) -> list[list[list[int]]]:
    """Repeats of folds of files; with fewer files than folds each is a fold by itself."""
    random = np.random.default_rng(seed)
    folds = min(FOLDS, files)
    return [[part.tolist() for part in np.array_split(random.permutation(files), folds)] for _ in range(repeats)]


def by_group(groups: Sequence[str]) -> list[list[list[int]]]:
    """One deal whose folds are the groups: a stricter test where files of a group repeat one experiment."""
    names = sorted(set(groups))
    return [[[at for at, group in enumerate(groups) if group == name] for name in names]]


def choose(table: Table, dealt: list[list[list[int]]], *, cap: float | None) -> Chosen:
    """The setting each file is scored with, from files of other folds only; needs two folds for that."""
    total = table.sum(axis=0)
    chosen = np.zeros((len(dealt), len(table)), dtype=np.int64)
    for repeat, folds in enumerate(dealt):
        for fold in folds:
            chosen[repeat, fold] = best(total - table[fold].sum(axis=0), cap=cap)
    return chosen


def best(counts: Table, *, cap: float | None) -> int:
    """The setting with the best F1 (the first of several), of those that keep the cap on false alarms, percent."""
    f1s = np.array([Confusion(*row).f1() for row in counts.tolist()])
    if cap is None:
        return int(f1s.argmax())
    alarms = np.array([Confusion(*row).false_alarm_percent() for row in counts.tolist()])
    keeping = alarms <= cap
    return int(np.where(keeping, f1s, -1.0).argmax() if keeping.any() else alarms.argmin())


def pooled(table: Table, chosen: Chosen) -> list[Confusion]:
    """One matrix per repeat."""
    files = np.arange(table.shape[0])
    return [Confusion(*table[files, settings].sum(axis=0).tolist()) for settings in chosen]


def by_file(table: Table, chosen: Chosen) -> Table:
    """Files by counts, the mean over repeats."""
    files = np.arange(table.shape[0])
    mean: Table = np.mean([table[files, settings] for settings in chosen], axis=0)
    return mean


def interval(ours: Table, theirs: Table, *, resamples: int = RESAMPLES, seed: int = SEED) -> Interval:
    """F1 of ours minus theirs, files by counts; percentile bootstrap over files (Efron 1979)."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(ours), size=(resamples, len(ours)))
    differences = _f1(ours[drawn].sum(axis=1)) - _f1(theirs[drawn].sum(axis=1))
    low, high = np.quantile(differences, (0.025, 0.975))
    whole = _f1(ours.sum(axis=0)[None]) - _f1(theirs.sum(axis=0)[None])
    return Interval(float(whole[0]), float(low), float(high))


def _f1(counts: Table) -> Floats:
    f1: Floats = 2 * counts[:, 0] / np.maximum(1.0, 2 * counts[:, 0] + counts[:, 1] + counts[:, 2])
    return f1
