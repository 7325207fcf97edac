"""``make faults``: injects every fault into real processes on the local twin, and accounts for every event.

Ends with a table, or with ``--json`` with one object on the last line of stdout; status 1 if a promise was broken.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench import powercut, updates
from bench.faults.catalogue import CATALOGUE, Fault
from bench.faults.row import Row, failed, say, verdict
from bench.faults.scene import Stage
from bench.output import show
from twin.cloud import LocalCloud
from twin.errors import TwinError

QUICK_SCALE: Final = 0.1
_AT_ONCE: Final = 2
POWER_CUTS: Final = ("power_cut_spool", "power_cut_files")
UPDATE: Final = "update"
_QUICK_UPDATES: Final = 0.02


def run(names: Sequence[str], *, seed: int, quick: bool, folder: Path) -> list[Row]:
    """Runs these faults, in the order of the catalogue; those that hurt nobody else two at a time."""
    rows: list[Row] = []
    faults = [fault for fault in CATALOGUE if fault.name in names]
    cuts = [name for name in POWER_CUTS if name in names]
    if faults:
        with LocalCloud(folder / "cloud") as cloud:
            deployment = cloud.start()
            scale = QUICK_SCALE if quick else 1.0

            def inject(fault: Fault) -> Row:
                return _inject(fault, Stage(deployment, folder / fault.name, fault.name, seed, scale))

            rows += _side_by_side([fault for fault in faults if not fault.alone], inject)
            rows += [inject(fault) for fault in faults if fault.alone]
    if cuts:
        rows += _power_cuts(cuts, seed=seed, quick=quick)
    return rows


def _side_by_side(faults: Sequence[Fault], inject: Callable[[Fault], Row]) -> Iterator[Row]:
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fault") as pool:
        yield from pool.map(inject, faults)


def _inject(fault: Fault, stage: Stage) -> Row:
    stage.folder.mkdir()
    began_s = time.monotonic()
    try:
        row = fault.run(stage)
    except TwinError as exc:
        row = failed(fault.name, f"{exc} {exc.remedy}".strip())
    except Exception as exc:  # noqa: BLE001 - a row that breaks must not take the others' results along
        row = failed(fault.name, f"{type(exc).__name__}: {exc}")
    judged = verdict(row, may_declare=fault.may_declare, resume_s=fault.resume_s)
    say(judged, time.monotonic() - began_s)
    return judged


def _power_cuts(names: Sequence[str], *, seed: int, quick: bool) -> list[Row]:
    rows = []
    for found in powercut.run(powercut.CUTS // 10 if quick else powercut.CUTS, seed):
        if found.fault not in names:
            continue
        known = {name: getattr(found, name) for name in Row.__struct_fields__ if hasattr(found, name)}
        row = verdict(Row(**known), may_declare=True, resume_s=None)
        say(row, 0.0)
        rows.append(row)
    return rows


def _updates(*, seed: int, quick: bool) -> tuple[list[Row], dict[str, int]]:
    """The rows of the update machine, and what they come to."""
    rows, cuts, failed_trials = [], 0, 0
    for found in updates.run(_QUICK_UPDATES if quick else 1.0, seed):
        known = {name: getattr(found, name) for name in Row.__struct_fields__ if hasattr(found, name)}
        row = verdict(Row(**known, recovery_s=0.0), may_declare=True, resume_s=None)
        say(row, found.took_s)
        rows.append(row)
        cuts, failed_trials = cuts + found.injected, failed_trials + found.failed
    return rows, {"cuts": cuts, "failed": failed_trials}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for."""
    everything = [*(fault.name for fault in CATALOGUE), *POWER_CUTS, UPDATE]
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", help="names, with commas between them")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--quick", action="store_true", help="a tenth of the injections of the quickest faults")
    parser.add_argument("--seed", type=int, default=1, help="of everything random")
    parser.add_argument("--keep", type=Path, help="a folder, not there yet, for logs and ledgers")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(everything))
        return 0
    quick_ones = [fault.name for fault in CATALOGUE if fault.quick]
    names = options.only.split(",") if options.only else quick_ones if options.quick else everything
    if unknown := set(names) - set(everything):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; --list names them")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="thresher-faults-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(exist_ok=True)
        rows = run(names, seed=options.seed, quick=options.quick, folder=folder)
    result: dict[str, object] = {}
    if UPDATE in names:
        more, result[UPDATE] = _updates(seed=options.seed, quick=options.quick)
        rows += more
    print(f"{len(rows)} faults in {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    if options.json:
        show({"faults": rows, **result}, as_json=True)
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
