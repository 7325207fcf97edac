"""The recorded process: makes every trial, and prints one row a fault.

``python -m bench.updates.inside SHARE SEED FOLDER``, started by ``bench.updates.run``.
"""

import itertools
import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.tmpfs import Tmpfs
from bench.updates import trials
from bench.updates.cuts import cuts
from bench.updates.helpers import BAD, GOOD
from bench.updates.rows import UpdateRow
from bench.updates.trials import KINDS, Ground, Result, Trial, ground_of, places_of, run
from device_agent.fleet.update.port import Verdict

TWICE: Final = 40
CUTS: Final = 60
_SMALL_MIB: Final = 8
_NAMED: Final = 5


class Some(NamedTuple):
    """How much is done.

    Attributes:
        share: Of all trials, 0 to 1; which of them is drawn.
        source: Of every draw.
    """

    share: float
    source: random.Random

    def of(self, found: Iterable[Trial]) -> Iterator[Trial]:
        """Those that are done; one at least."""
        every = list(found)
        yield from self.source.sample(every, max(1, round(len(every) * self.share)))

    def number(self, most: int) -> int:
        """So many at least one."""
        return max(1, round(most * self.share))


Make = Callable[[Ground, list[str], Verdict, Some], Iterable[Result]]


def _tried(make: Callable[[list[str], Verdict], Iterable[Trial]]) -> Make:
    return lambda ground, names, verdict, some: (run(ground, one) for one in some.of(make(names, verdict)))


def _twice(ground: Ground, names: list[str], verdict: Verdict, some: Some) -> Iterable[Result]:
    return (run(ground, one) for one in trials.kills_twice(names, verdict, some.source, some.number(TWICE)))


def _cut(ground: Ground, names: list[str], verdict: Verdict, some: Some) -> Iterable[Result]:
    del names
    return cuts(ground, verdict, some.source, some.number(CUTS))


FAULTS: Final[dict[str, tuple[str, Make]]] = {
    "update_killed": ("killed at any step, it ends as its table says", _tried(trials.kills)),
    "update_killed_twice": ("killed again while it recovers, it ends all the same", _twice),
    "update_reboot_loop": ("a reboot in any phase, again and again, ends", _tried(lambda _, it: trials.loops(it))),
    "update_hangs": ("what hangs is ended, and goes on or back", _tried(trials.hangs)),
    "update_fails": ("whatever fails, once or for long, one version stays whole", _tried(trials.errors)),
    "update_stranded": ("what cannot go back goes back later", _tried(lambda _, __: trials.stranded())),
    "update_disk_full": ("a full disk costs the order at most", _tried(lambda _, it: trials.full_disks(it))),
    "update_power_cut": ("what was not synced is lost, and nothing else", _cut),
}  # fmt: skip


def main(share: float, seed: int, folder: Path) -> None:
    """Prints the rows as one JSON array."""
    logging.disable(logging.CRITICAL)
    some = Some(share, random.Random(seed))
    rows = []
    for name, (promise, make) in FAULTS.items():
        row, began_s = UpdateRow(fault=name, promise=promise), time.monotonic()
        for number, (kind, first) in enumerate(itertools.product(KINDS, (False, True))):
            with Tmpfs(folder / f"{name}-{number}", mib=_SMALL_MIB) as disk:
                ground = ground_of(kind, disk.path / "trials", first=first)
                for verdict in (GOOD, BAD):
                    for result in make(ground, places_of(ground, verdict), verdict, some):
                        _add(row, result, f"{kind}{', the first' * first}, {'good' if verdict == GOOD else 'bad'}")
        row.took_s = round(time.monotonic() - began_s, 1)
        rows.append(row)
    print(msgspec.json.encode(rows).decode())


def _add(row: UpdateRow, result: Result, where: str) -> None:
    row.injected += result.cuts
    row.accepted += result.spooled.accepted
    row.stored += result.spooled.stored
    row.declared += result.spooled.declared
    row.lost += result.spooled.lost
    row.duplicates += result.spooled.twice
    row.failed += result.failed
    if result.failed and len(row.broken) < _NAMED:
        row.broken.append(f"{where}: {result.what}: {'; '.join(result.broken) or 'events of the spool'}")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
