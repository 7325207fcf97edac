"""Records the shipped recordings: this machine at rest, under a fault really made, at rest again.

```
python -m twin.make_recordings [--only cpu_burn]     about 200 s each; leave the machine alone meanwhile
```
Each fault gives ``twin/recordings/<fault>.csv`` (the product's own recorder, live ``host`` sensor, 10 Hz) and
``<fault>.labels.csv`` with the times at which the fault began and ended. A label is only worth something when nothing
else went on: a recording of a machine that was busy at rest does not replace an older one.

Not here: the faults (``twin.induce``).
"""

import argparse
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from device_agent.clock import SystemClock
from device_agent.recorder import Recorded, record
from device_agent.sensors.host import HostSensor
from device_agent.sensors.recording import Recording
from twin.induce import FAULTS, induced

FOLDER = Path(__file__).parent / "recordings"
RATE_HZ = 10.0
REST_CPU_PERCENT = 20.0
"""A machine whose CPU is busier than this on average, outside the fault, was not at rest."""


class Plan(NamedTuple):
    """How long, in seconds: at rest, under the fault, at rest again."""

    before_s: float = 110.0
    fault_s: float = 30.0
    after_s: float = 60.0


class Made(NamedTuple):
    """One recording.

    Attributes:
        recorded: See there.
        begin_s: When the fault began, Unix seconds.
        end_s: When it ended.
    """

    recorded: Recorded
    begin_s: float
    end_s: float


def make(fault: str, folder: Path, plan: Plan) -> Made:
    """Records one fault with its label into a folder; blocks for as long as the recording is."""
    stop, clock = threading.Event(), SystemClock()
    times: list[float] = []

    def induce() -> None:
        if clock.wait_until(clock.monotonic_ns() + round(plan.before_s * 1e9), stop):
            times.append(clock.wall_ms() / 1000)
            with induced(fault, plan.fault_s, folder):
                stop.wait(plan.fault_s)
            times.append(clock.wall_ms() / 1000)

    thread = threading.Thread(target=induce, name=f"induce-{fault}")
    thread.start()
    try:
        sensor = HostSensor(name="host", rate_hz=RATE_HZ)
        recorded = record(sensor, sum(plan), folder / f"{fault}.csv", stop=stop, progress=_progress(fault))
    finally:
        stop.set()
        thread.join(timeout=10)
    begin_s, end_s = times
    label = f"start,end,fault\n{_iso(begin_s)},{_iso(end_s)},{fault}\n"
    (folder / f"{fault}.labels.csv").write_text(label, encoding="utf-8")
    return Made(recorded, begin_s, end_s)


def rest_cpu_percent(recording: Path, made: Made, settle_s: float = 2.0) -> float:
    """Mean CPU outside the fault and ``settle_s`` seconds after it."""
    rows = Recording(recording, ("cpu_percent",)).rows()
    at_rest = [
        row.reading.values[0]
        for row in rows
        if row.time_s and not made.begin_s <= row.time_s <= made.end_s + settle_s and not row.reading.gaps
    ]
    return statistics.fmean(at_rest) if at_rest else 100.0


def remake(fault: str, folder: Path, plan: Plan) -> bool:
    """Makes a recording anew; keeps it, and says so, only if the machine was at rest."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as made_in:
        made = make(fault, Path(made_in), plan)
        busy = rest_cpu_percent(Path(made_in, f"{fault}.csv"), made)
        print(f"{fault}: {made.recorded}, CPU at rest {busy:.1f} %")
        if busy > REST_CPU_PERCENT:
            print(f"error: the machine was not at rest, {fault} is left as it was", file=sys.stderr)
            print(f"try: again with less than {REST_CPU_PERCENT:g} % CPU in use", file=sys.stderr)
            return False
        for name in (f"{fault}.csv", f"{fault}.labels.csv"):
            Path(made_in, name).replace(folder / name)
    return True


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _progress(fault: str) -> Callable[[int], None]:
    def show(rows: int) -> None:
        if sys.stderr.isatty() and rows % round(RATE_HZ) == 0:
            print(f"\r{fault}: {rows / RATE_HZ:.0f} s", end="", file=sys.stderr)

    return show


def main(arguments: list[str] | None = None) -> int:
    """Records the faults named, or all; status 1 if one could not be kept."""
    parser = argparse.ArgumentParser(prog="python -m twin.make_recordings", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), help="record only this fault")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    kept = [remake(fault, options.folder, Plan()) for fault in options.only or sorted(FAULTS)]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
