"""Every phase, and everything that can happen in it."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.updates import lives
from bench.updates.helpers import BAD, GOOD
from bench.updates.judging import Spooled, broken, spooled
from bench.updates.lives import ENDED, HUNG, Fault, at, live, named
from bench.updates.place import ORDER, Place
from contract.jobs import Kind
from device_agent.fleet.update.port import Verdict
from device_agent.fleet.update.table import ROWS, TABLE

KINDS: Final[tuple[Kind, ...]] = ("application", "model", "configuration")
MOST_LIVES: Final = 120
_FOR_EVER: Final = 10**6
_A_WHILE: Final = 4


class Ground(NamedTuple):
    """What trials of one kind begin from.

    Attributes:
        place: With the old version in use, and the new one ordered.
        whole: By release: what it must hold.
        scratch: For copies.
    """

    place: Place
    whole: dict[str, str]
    scratch: Path


class Trial(NamedTuple):
    """One way to the end of one order.

    Attributes:
        what: In words.
        faults: One for each life; the lives after them are spared.
        verdict: What the probe finds.
        expected: How the order must end, where that is certain.
        tidy: Whether cleanup may do its work.
    """

    what: str
    faults: Sequence[Fault]
    verdict: Verdict = GOOD
    expected: str = ""
    tidy: bool = True


class Result(NamedTuple):
    """What came of a trial."""

    what: str
    broken: list[str]
    cuts: int
    spooled: Spooled = Spooled(0, 0, 0, 0)

    @property
    def failed(self) -> bool:
        """Whether any promise was broken."""
        return bool(self.broken or self.spooled.lost or self.spooled.twice)


def ground_of(kind: Kind, folder: Path, *, first: bool = False) -> Ground:
    """Makes the place that trials of a kind begin from, in an empty folder."""
    bundles = folder / "bundles"
    bundles.mkdir(parents=True)
    place = Place(folder / kind, kind, bundles, first=first).prepared()
    ended = place.copied(folder / "whole")
    old = ended.digests()
    live(ended)
    return Ground(place, old | ended.digests(), folder / "trial")


def places_of(ground: Ground, verdict: Verdict) -> list[str]:
    """Every place that a life without a fault reaches, in its order."""
    names: list[str] = []
    live(ground.place.copied(ground.scratch), verdict=verdict, note=names)
    return names


def run(ground: Ground, trial: Trial) -> Result:
    """Lets the machine live through all faults, and then in peace; judges, and looks whether the end stays the end."""
    place = ground.place.copied(ground.scratch)
    cuts, expected = 0, trial.expected
    for fault in trial.faults:
        end = live(place, fault, trial.verdict)
        cuts += end != ENDED
        if end == ENDED:
            break
        expected = expected or (due(place, trial.verdict) if len(trial.faults) == 1 else "")
        if end not in {HUNG, -9}:
            return Result(trial.what, [f"a life ended as {end}"], cuts)
    if cuts == MOST_LIVES:
        return Result(trial.what, [f"it would go on for ever: {cuts} reboots"], cuts)
    lives.emptied(place.folder)
    if (end := live(place, None, trial.verdict)) != ENDED:
        return Result(trial.what, [f"the last life ended as {end}"], cuts)
    found = broken(place, ground.whole, expected=expected, tidy=trial.tidy)
    before = place.look()
    live(place, None, BAD)
    if place.look() != before:
        found.append("the end did not stay the end")
    return Result(trial.what, found, max(cuts, 1), spooled(place))


def due(place: Place, verdict: Verdict) -> str:
    """How an order must end that was interrupted once, as its journal stands now: by the table alone."""
    state = place.look()
    if ORDER in state.ended:
        return state.ended[ORDER].status
    undone = state.phase == "rollback" or ROWS[state.phase].killed == "rollback"
    return "FAILED" if undone or verdict == BAD else "SUCCEEDED"


def kills(names: Sequence[str], verdict: Verdict) -> Iterator[Trial]:
    """Killed once, at each place."""
    for number, name in enumerate(names):
        yield Trial(f"killed at {number} {name}", [Fault("kill", at(number))], verdict)


def kills_twice(names: Sequence[str], verdict: Verdict, source: random.Random, times: int) -> Iterator[Trial]:
    """Killed at one place, and while it recovers at another."""
    for number in source.choices(range(len(names)), k=times):
        again = source.randrange(len(names))
        faults = [Fault("kill", at(number)), Fault("kill", at(again))]
        yield Trial(f"killed at {number} {names[number]}, then at {again}", faults, verdict)


def loops(verdict: Verdict) -> Iterator[Trial]:
    """The machine reboots whenever one phase begins, and would for ever."""
    for row in TABLE:
        if row.phase != "idle" and (verdict == BAD or row.phase != "rollback"):
            faults = [Fault("kill", named(f"update.{row.phase}.begin", _FOR_EVER)) for _ in range(MOST_LIVES)]
            yield Trial(f"reboot loop in {row.phase}", faults, verdict, tidy=row.phase != "cleanup")


def hangs(names: Sequence[str], verdict: Verdict) -> Iterator[Trial]:
    """A place hangs until the process is ended for it."""
    for name in _inner(names):
        yield Trial(f"hangs at {name}", [Fault("hang", named(name))], verdict)


def errors(names: Sequence[str], verdict: Verdict) -> Iterator[Trial]:
    """A place fails once, or for long."""
    for name in _inner(names):
        for act in ("error", "broken disk"):
            for times in (1, _A_WHILE if name.startswith("files.") else _FOR_EVER):
                if act == "broken disk" or not name.startswith("files."):
                    tidy = times == 1 or not name.startswith("target.releases")
                    yield Trial(f"{act} at {name}, {times} times", [Fault(act, named(name, times))], verdict, tidy=tidy)


def stranded() -> Iterator[Trial]:
    """Going back is what the disk refuses, until the next start."""
    for act in ("error", "broken disk"):
        fault = Fault(act, named("update.link.before", _FOR_EVER, first=2))
        yield Trial(f"{act} whenever it goes back", [fault], BAD, "FAILED")


def full_disks(verdict: Verdict) -> Iterator[Trial]:
    """The disk is full from the beginning of a phase to the end of that life."""
    for row in TABLE:
        if row.phase != "idle" and (verdict == BAD or row.phase != "rollback"):
            yield Trial(f"disk full in {row.phase}", [Fault("full disk", named(f"update.{row.phase}.begin"))], verdict)


def _inner(names: Sequence[str]) -> list[str]:
    """Places inside acts; each once."""
    return [name for name in dict.fromkeys(names) if not name.startswith("update.") or name.count(".") > 2]  # noqa: PLR2004
