"""One family on all recordings: every setting's counts, and the rows of the table that come of them."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from training.evaluate.counts import SECONDS_PER_HOUR, Confusion, Episodes, episodes
from training.evaluate.kept import KeptScores
from training.evaluate.nested import Chosen, Table, best, by_file, by_group, choose, deal, pooled
from training.evaluate.recordings import Labelled
from training.rivals.port import Family
from training.rivals.scene import Bools

Chooser = Literal["other files", "other folders", "the same files", "other files, by episode"]

CAP_PERCENT: Final = 13.55
"""The false-alarm rate of the best published row on waico/SKAB (Conv-AE)."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table; means over repeats where settings were chosen.

    Attributes:
        family: What was measured.
        settings: How many it could choose from.
        chosen: On what its setting was chosen: a ``Chooser``, or ``nothing``. By F1 of rows unless it says by episode;
            on the same files it is flattered.
        cap: Most false alarms the choice allowed, percent of normal rows; ``None`` without.
        f1: Pooled over files, by row.
        f1_sd: Over repeats.
        false_alarm_percent: Normal rows called.
        missed_percent: Abnormal rows not called.
        labelled: Episodes that begin after calibration.
        fresh: Of them, caught by a call that begins inside.
        delay_median_s: From a labelled episode's beginning to that call; ``None`` where none was caught.
        delay_p90_s: Nine of ten are faster.
        false_per_hour: Calls that begin outside, per hour of unlabelled time.
        episode_f1: Harmonic mean of the share of labelled episodes that were caught fresh and the share of fresh ones
            among fresh and false ones.
        setting: Chosen most often.
        at_edge: Share of the choices with the lowest or highest threshold tried: if large, more should be tried.
    """

    family: str
    settings: int
    chosen: str
    cap: float | None
    f1: float
    f1_sd: float
    false_alarm_percent: float
    missed_percent: float
    labelled: int
    fresh: float
    delay_median_s: float | None
    delay_p90_s: float | None
    false_per_hour: float
    episode_f1: float
    setting: str
    at_edge: float


class Measured:
    """A family's counts on some recordings.

    Attributes:
        family: It.
        rows: Files by settings by counts of rows.
        episodes: Files by settings by counts of episodes: caught fresh, false, not caught fresh.
    """

    def __init__(self, family: Family, recordings: Sequence[Labelled], kept: KeptScores) -> None:
        self.family = family
        self._recordings = recordings
        self._scores = [[kept.scores(each, variant) for variant in family.variants] for each in recordings]
        self._counted = [[self._count(at, setting) for setting in range(family.settings)] for at in self._files]
        self.rows: Table = np.array(
            [[self._confusion(at, setting) for setting in range(family.settings)] for at in self._files]
        )
        self.episodes: Table = np.array([[each.confusion() for each in file] for file in self._counted])

    @property
    def _files(self) -> range:
        return range(len(self._recordings))

    def choices(self, cap: float | None, chooser: Chooser = "other files") -> Chosen:
        """What each file is scored with; the only setting where there is one."""
        if self.family.settings == 1:
            return np.zeros((1, len(self._recordings)), dtype=np.int64)
        if chooser == "the same files":
            return np.full((1, len(self._recordings)), best(self.rows.sum(axis=0), cap=cap))
        folders = [each.name.rpartition("/")[0] for each in self._recordings]
        dealt = by_group(folders) if chooser == "other folders" else deal(len(folders))
        return choose(self.episodes if chooser == "other files, by episode" else self.rows, dealt, cap=cap)

    def by_file(self, cap: float | None) -> Table:
        """Counts of rows by file, with settings chosen on other files."""
        return by_file(self.rows, self.choices(cap))

    def episodes_by_file(self) -> Table:
        """Counts of episodes by file, with settings chosen by episode on other files."""
        return by_file(self.episodes, self.choices(None, "other files, by episode"))

    def row(self, cap: float | None, chooser: Chooser = "other files") -> Row:
        """Of the table."""
        chosen = self.choices(cap, chooser)
        matrices = pooled(self.rows, chosen)
        mean = Confusion(*np.mean(matrices, axis=0).tolist())
        scored = [self._counted[file][setting] for repeat in chosen.tolist() for file, setting in enumerate(repeat)]
        delays = [delay for each in scored for delay in each.delays_s]
        setting, _ = Counter(chosen.ravel().tolist()).most_common(1)[0]
        one = self.family.settings == 1
        return Row(
            family=self.family.name,
            settings=self.family.settings,
            chosen="nothing" if one else chooser,
            cap=cap,
            f1=_mean([each.f1() for each in matrices]),
            f1_sd=float(np.std([each.f1() for each in matrices])),
            false_alarm_percent=mean.false_alarm_percent(),
            missed_percent=mean.missed_percent(),
            labelled=sum(each.labelled for each in scored) // len(chosen),
            fresh=len(delays) / len(chosen),
            delay_median_s=float(np.median(delays)) if delays else None,
            delay_p90_s=float(np.quantile(delays, 0.9)) if delays else None,
            false_per_hour=sum(e.false for e in scored) * SECONDS_PER_HOUR / max(1.0, sum(e.normal_s for e in scored)),
            episode_f1=_mean([each.f1() for each in pooled(self.episodes, chosen)]),
            setting=self.family.words(setting),
            at_edge=0.0 if one else _mean([self._at_edge(each) for each in chosen.ravel().tolist()]),
        )

    def calls(self, file: int, setting: int) -> Bools:
        """By row of a file."""
        variant, decision = divmod(setting, len(self.family.decisions))
        calibration = self._recordings[file].scene.calibration
        return self.family.decisions[decision].calls(self._scores[file][variant], calibration)

    def _confusion(self, file: int, setting: int) -> Confusion:
        recording = self._recordings[file]
        after = slice(recording.scene.calibration, None)
        return Confusion.of(self.calls(file, setting)[after], recording.labels[after])

    def _count(self, file: int, setting: int) -> Episodes:
        recording = self._recordings[file]
        return episodes(
            self.calls(file, setting), recording.labels, recording.scene.times_s, recording.scene.calibration
        )

    def _at_edge(self, setting: int) -> float:
        """The outermost factor of its family, or variant where there is but one factor."""
        variant, decision = divmod(setting, len(self.family.decisions))
        factors = sorted({each.factor for each in self.family.decisions})
        if len(factors) == 1:
            return float(variant in (0, len(self.family.variants) - 1))
        return float(self.family.decisions[decision].factor in (factors[0], factors[-1]))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
