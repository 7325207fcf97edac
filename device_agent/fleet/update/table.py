"""The life of an update, whole: every phase, what follows, and what a kill, an error or too many tries lead to.

The journal says which phase runs *before* anything of it is done. So whoever finds the journal knows what may have
been half done, and ``resumed`` says how it goes on. A phase that was killed before the new version was in use begins
again. One that was killed while it was being put in use is undone: what brought the machine down may be the new
version. A probe begins anew once, because power cuts are not the new version's fault; a second kill is. From ``commit``
on there is no way back, and every act may be done twice.

Pure: values in, values out. Not here: what a phase does (``acts``), the journal's file (``journal``).
"""

from typing import Final, NamedTuple

import msgspec

from device_agent.fleet.port import Outcome
from device_agent.fleet.update.journal import Journal
from device_agent.fleet.update.port import Phase, key_of

ENDED_KEPT: Final = 8
_HOUR: Final = 3600


class Row(NamedTuple):
    """One phase.

    Attributes:
        phase: Its name.
        done: What follows when it is done.
        failed: What follows an error in it; the order's outcome is then an error.
        killed: What a process that finds the journal here goes on with.
        tries: How often it may begin; 0 for any number.
        spent: What follows when it may not begin again.
        within_s: A process in which it takes longer hangs, and is to be ended.
    """

    phase: Phase
    done: Phase
    failed: Phase
    killed: Phase
    tries: int
    spent: Phase
    within_s: int


# fmt: off
TABLE: Final = (
    #   phase       done        failed      killed      tries  spent       within
    Row("idle",     "download", "idle",     "idle",         0, "idle",     0),
    Row("download", "verify",   "cleanup",  "download",    50, "cleanup",  25 * _HOUR),
    Row("verify",   "stage",    "cleanup",  "verify",       3, "cleanup",  600),
    Row("stage",    "wait",     "cleanup",  "stage",        3, "cleanup",  1800),
    Row("wait",     "activate", "cleanup",  "wait",        50, "cleanup",  50 * _HOUR),
    Row("activate", "probe",    "rollback", "rollback",     1, "rollback", 300),
    Row("probe",    "commit",   "rollback", "probe",        2, "rollback", 49 * _HOUR),
    Row("commit",   "cleanup",  "rollback", "commit",       5, "rollback", 60),
    Row("rollback", "cleanup",  "rollback", "rollback",    10, "cleanup",  300),
    Row("cleanup",  "idle",     "idle",     "cleanup",      3, "idle",     600),
)
# fmt: on

ROWS: Final = {row.phase: row for row in TABLE}
IN_USE: Final = frozenset({"activate", "probe", "commit", "rollback"})
"""Phases in which the new version may be the one in use."""


def done(journal: Journal, **learnt: object) -> Journal:
    """The journal when its phase is done, with what was learnt in it."""
    return _enter(msgspec.structs.replace(journal, **learnt), ROWS[journal.phase].done)


def failed(journal: Journal, outcome: Outcome) -> Journal:
    """The journal when its phase has failed. The first failure is the one that is told."""
    row = ROWS[journal.phase]
    told = _kept(journal, outcome)
    return _again(told) if row.failed == row.phase else _enter(told, row.failed)


def settled(journal: Journal, outcome: Outcome, **learnt: object) -> Journal:
    """The journal when an order turns out to be over before anything was put in use."""
    if journal.phase in IN_USE:
        raise ValueError(f"{journal.phase} cannot be left for cleanup")
    return _enter(_kept(msgspec.structs.replace(journal, **learnt), outcome), "cleanup")


def resumed(journal: Journal) -> Journal:
    """The journal as a process that finds it must go on with."""
    row = ROWS[journal.phase]
    if row.phase == "idle":
        return journal
    if row.killed == row.phase:
        return _again(journal)
    return _enter(_kept(journal, _interrupted(journal)), row.killed)


def _again(journal: Journal) -> Journal:
    row = ROWS[journal.phase]
    if row.tries and journal.tries >= row.tries:
        return _enter(_owing(_kept(journal, _interrupted(journal))), row.spent)
    return msgspec.structs.replace(journal, tries=journal.tries + 1, detail="", needs_url=False)


def _owing(journal: Journal) -> Journal:
    """What could not be gone back from is gone back from later, and said."""
    if journal.phase != "rollback" or journal.manifest is None:
        return journal
    outcome = journal.outcome or _interrupted(journal)
    said = f"{outcome.reason}; going back failed {journal.tries} times and is tried again every minute"
    key = key_of(journal.manifest.kind, journal.manifest.name)
    return msgspec.structs.replace(
        journal,
        owed={**journal.owed, key: journal.previous},
        outcome=msgspec.structs.replace(outcome, status="FAILED", reason=said),
    )


def _enter(journal: Journal, phase: Phase) -> Journal:
    entered = msgspec.structs.replace(journal, phase=phase, tries=1, detail="", needs_url=False)
    return _over(entered) if phase == "idle" else entered


def _over(journal: Journal) -> Journal:
    """Nothing of the order stays but how it ended."""
    outcome = journal.outcome or Outcome(status="FAILED", reason="it ended without an outcome; this is a defect")
    ended = {**journal.ended, journal.order_id: outcome}
    last = dict(list(ended.items())[-ENDED_KEPT:])
    return Journal(order_id=journal.order_id, installed=journal.installed, owed=journal.owed, ended=last)


def _kept(journal: Journal, outcome: Outcome) -> Journal:
    """A success that is committed stays one, and so does the first error."""
    return journal if journal.outcome is not None else msgspec.structs.replace(journal, outcome=outcome)


def _interrupted(journal: Journal) -> Outcome:
    times = f" {journal.tries} times" if journal.tries > 1 else ""
    return Outcome(
        status="FAILED", reason=f"{journal.phase}: interrupted{times}, the version before stays; look for what ended it"
    )
