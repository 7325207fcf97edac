"""The recorded process: makes the stories, cuts them, and prints one row a fault.

``python -m bench.powercut.inside CUTS SEED``, started by ``bench.powercut.run``.
"""

import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from bench.powercut.cloud import Cloud
from bench.powercut.damage import damage
from bench.powercut.files import cut_files
from bench.powercut.numbers import Numbers
from bench.powercut.reckoning import Outcome, settle
from bench.powercut.rows import Row
from bench.powercut.story import SPOOL, Past, Watched, emptied, live, pile_up, recorded, recover

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - only a quick place; any other will do
_AGAIN_EVERY: Final = 3
_CUTS_A_DAMAGE: Final = 5
_BY_POLICY: Final = frozenset({"quota", "refused"})
_BY_DAMAGE: Final = _BY_POLICY | {"corrupt"}
_NAMED: Final = 5


def cut_life(cuts: int, base: Path, source: random.Random) -> Row:
    """Cuts the power somewhere in a spool's life, and every third time once more while it recovers."""
    row = Row(fault="power_cut_spool", promise="what was accepted is stored, whenever the power goes")
    numbers, nothing = Numbers(), Past({}, Cloud())
    recording, disk, moments = recorded(emptied(base / "life"), nothing, numbers, lambda it: live(it, source))
    done = 0
    for number, at in enumerate(sorted(source.choices(range(len(recording.steps) + 1), k=cuts))):
        disk.replay(recording.steps[done:at])
        done = at
        left, past = emptied(base / "left"), nothing.until(moments, at)
        disk.cut(left, source)
        row.injected += 1
        if number % _AGAIN_EVERY == 0:
            left, past = _once_more(left, past, numbers, source)
            row.injected += 1
        _add(row, settle(left, past, numbers, source, _BY_POLICY), f"cut after step {at}")
    return row


def cut_rescue(cuts: int, base: Path, source: random.Random) -> Row:
    """Damages a spool's file and cuts the power while what is readable is rescued."""
    row = Row(fault="power_cut_rescue", promise="a damaged file costs what cannot be read, declared, and nothing else")
    numbers = Numbers()
    whole = emptied(base / "whole")
    watched = Watched(whole, Past({}, Cloud()), lambda: 0, numbers)
    live(watched, source)
    pile_up(watched, source)
    past = Past({}, Cloud()).until(watched.moments, 0)
    while row.injected < cuts:
        hurt = base / "hurt"
        shutil.rmtree(hurt, ignore_errors=True)
        shutil.copytree(whole, hurt)
        kind = damage(hurt / SPOOL, source)
        for _ in range(_CUTS_A_DAMAGE):
            shutil.rmtree(base / "left", ignore_errors=True)
            shutil.copytree(hurt, base / "left")
            left, then = _once_more(base / "left", past, numbers, source)
            row.injected += 1
            _add(row, settle(left, then, numbers, source, _BY_DAMAGE), f"damaged: {kind}")
    return row


def _once_more(folder: Path, past: Past, numbers: Numbers, source: random.Random) -> tuple[Path, Past]:
    """Recovers in a folder, and cuts the power meanwhile; returns what that leaves."""
    recording, disk, moments = recorded(folder, past, numbers, lambda it: recover(it, source))
    at = source.randint(0, len(recording.steps))
    disk.replay(recording.steps[:at])
    left = emptied(folder.with_name("left-again"))
    disk.cut(left, source)
    return left, past.until(moments, at)


def _add(row: Row, outcome: Outcome, where: str) -> None:
    row.accepted += outcome.accepted
    row.stored += outcome.stored
    row.declared += outcome.declared.total()
    row.reasons = dict(Counter(row.reasons) + outcome.declared)
    row.lost += len(outcome.lost)
    row.duplicates += outcome.duplicates
    row.recovery_s = round(max(row.recovery_s, outcome.recovery_s), 3)
    if outcome.lost and len(row.broken) < _NAMED:
        row.broken.append(f"{where}: {len(outcome.lost)} lost, first {outcome.lost[0]}")


def main(cuts: int, seed: int) -> None:
    """Prints the rows as one JSON array."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None, prefix="powercut-") as folder:
        base, source = Path(folder).resolve(), random.Random(seed)
        rows = [
            cut_life(cuts, base, source),
            cut_rescue(cuts // 2, base, source),
            cut_files(cuts // 2, base, source),
        ]
    print(msgspec.json.encode(rows).decode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
