"""Rolls bad versions and a good one out to fifty gateways on the local twin.

    python -m bench.rollout [--gateways 50] [--only crashes,good] [--json]

Supervisors, agents, jobs, workflow and its functions are the real ones; sensing is a stub that behaves as it is told
(``workload``). Ends with 1 where a promise was broken.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.rollout.gateways import Gateways, Supervised
from bench.rollout.releases import Version
from bench.rollout.trial import USUAL, Bench, Pace, Row, trial
from bench.rollout.workload import CONDUCTS, Conduct
from operations.stack import Stack
from twin.cloud import LocalCloud
from twin.keyring import Keyring

ORDER: tuple[Conduct, ...] = (*(one for one in CONDUCTS if one != "good"), "good")
FIRST = Version("good", "1.0.0", 1)


def measure(conducts: Sequence[Conduct], *, gateways: int, folder: Path, pace: Pace = USUAL) -> list[Row]:
    """One rollout of each conduct, one after the other, to the same gateways."""
    keyring = Keyring(folder / "roots")
    made = [
        Supervised(f"gw-{number:02d}", folder / f"gw-{number:02d}", root=keyring.root_file, first=FIRST)
        for number in range(1, gateways + 1)
    ]
    with LocalCloud(folder / "cloud") as cloud, Gateways(made) as fleet:
        deployment = cloud.start()
        began_s = time.monotonic()
        fleet.start(deployment)
        print(f"{gateways} gateways run {FIRST.version} after {time.monotonic() - began_s:.0f} s", flush=True)
        bench = Bench(deployment, Stack("thresher", deployment.clients.make), fleet, keyring, folder, pace)
        rows = []
        for number, conduct in enumerate(conducts, 1):
            version = Version(conduct, "2.0.0" if conduct == "good" else f"1.{number}.0", 10 * number)
            back = Version(FIRST.conduct, FIRST.version, 10 * number + 1, downgrade=True)
            rows.append(trial(bench, version, back))
            print(_line(rows[-1]), flush=True)
            fleet.check()
        return rows


def main() -> int:
    """Measures, tells, judges."""
    parser = argparse.ArgumentParser(prog="python -m bench.rollout", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gateways", type=int, default=50, metavar="N", help="how many (default: 50)")
    parser.add_argument("--only", default=",".join(ORDER), help=f"which, of: {', '.join(ORDER)}")
    parser.add_argument("--json", action="store_true", help="the last line on stdout is one JSON object")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    if unknown := [one for one in wanted if one not in ORDER]:
        parser.error(f"no such version: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="thresher-rollout-") as scratch:
        rows = measure([one for one in ORDER if one in wanted], gateways=arguments.gateways, folder=Path(scratch))
    broken = sum(len(row.broken) for row in rows)
    if arguments.json:
        told = {"gateways": arguments.gateways, "rollouts": rows, "broken": broken}
        print(msgspec.json.encode(told).decode())
    return 1 if broken else 0


def _line(row: Row) -> str:
    broken = f"  BROKEN: {'; '.join(row.broken)}" if row.broken else ""
    why = "; ".join(f"{count} x {reason}" for reason, count in row.why.items())
    head = f"{row.conduct:14s} {row.state:8s} {row.told:3d} told, {row.runs} in {row.seconds:.0f} s"
    return f"{head}: {why or row.reason}{broken}"


if __name__ == "__main__":
    sys.exit(main())
