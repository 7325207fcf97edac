"""Power cuts that drop what was not synced, at any moment of an update, and once more while it recovers.

```
a recorded life of the machine ── steps ──▶ Tree ── cut ──▶ a place ──▶ a life in peace ──▶ judged
                                                              └─ recorded again ── cut ──▶ …
```
"""

import contextlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.powercut.recording import Recording, record
from bench.powercut.story import emptied
from bench.powercut.tree import Tree
from bench.updates.judging import broken, spooled
from bench.updates.lives import ENDED, accept, accepted, live, opened
from bench.updates.place import ORDER, Place
from bench.updates.trials import Ground, Result, due
from device_agent.fleet.update.port import Verdict


class _Past(NamedTuple):
    """A recorded life.

    Attributes:
        tree: The disk before it.
        recording: What was asked of it.
        promised: Numbers of events accepted, with the steps done by then.
    """

    tree: Tree
    recording: Recording
    promised: list[tuple[int, int]]


def cuts(ground: Ground, verdict: Verdict, source: random.Random, times: int, again_every: int = 3) -> Iterator[Result]:
    """Cuts the power so many times in a life; every third time once more while the machine recovers."""
    begun = ground.place.copied(ground.scratch.with_name("recorded"))
    past, done = _recorded(begun, verdict), 0
    for number, at in enumerate(sorted(source.choices(range(len(past.recording.steps) + 1), k=times))):
        past.tree.replay(past.recording.steps[done:at])
        done = at
        left = _left(past, at, ground.scratch.with_name("left"), begun, source)
        where = f"cut after step {at} of {len(past.recording.steps)}"
        expected, twice = due(left, verdict), number % again_every == 0
        if twice:
            left, where = _again(left, verdict, source, where)
        yield _judged(ground, left, verdict, where, "" if twice else expected, 1 + twice)


def _again(place: Place, verdict: Verdict, source: random.Random, where: str) -> tuple[Place, str]:
    past = _recorded(place, verdict)
    at = source.randint(0, len(past.recording.steps))
    past.tree.replay(past.recording.steps[:at])
    left = _left(past, at, place.folder.with_name("left-again"), place, source)
    return left, f"{where}, again after step {at} of {len(past.recording.steps)}"


def _left(past: _Past, at: int, folder: Path, before: Place, source: random.Random) -> Place:
    """What is there after a cut; the ledger of what was promised stands outside of it."""
    past.tree.cut(emptied(folder), source)
    left = before.at(folder)
    promised = [number for number, steps in past.promised if steps <= at]
    left.ledger.write_bytes(b"".join(number.to_bytes(8, "big") for number in promised))
    return left


def _recorded(place: Place, verdict: Verdict) -> _Past:
    tree = Tree(place.folder)
    promised = [(number, 0) for number in accepted(place.ledger)]
    with record(place.folder) as recording:
        stop = threading.Event()
        place.submit()
        with contextlib.closing(opened(place.state)) as spool:
            machine = place.machine(verdict)
            machine.recover()
            while ORDER not in place.look().ended:
                machine.turn(stop)
                accept(spool, place.ledger)
                promised.append((accepted(place.ledger)[-1], recording.position()))
    return _Past(tree, recording, promised)


def _judged(ground: Ground, left: Place, verdict: Verdict, where: str, expected: str, made: int) -> Result:
    if (end := live(left, None, verdict)) != ENDED:
        return Result(where, [f"the life after it ended as {end}"], made)
    return Result(where, broken(left, ground.whole, expected=expected), made, spooled(left))
