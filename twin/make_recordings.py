"""Records the shipped recordings: this machine at rest, under a fault really made, at rest again.

```
python -m twin.make_recordings [--only cpu_burn]     about 200 s each; leave the machine alone meanwhile
```
Each fault gives ``twin/recordings/<fault>.csv`` (the product's own recorder, live ``host`` sensor, 10 Hz) and
``<fault>.labels.csv`` with the times at which the fault began and ended.

Not here: the faults (``twin.induce``).
"""

import argparse
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from device_agent.clock import SystemClock
from device_agent.recorder import record
from device_agent.sensors.host import HostSensor
from twin.induce import FAULTS, induced

FOLDER = Path(__file__).parent / "recordings"
QUIET_BEFORE_S = 110.0
FAULT_S = 30.0
QUIET_AFTER_S = 60.0
RATE_HZ = 10.0


def make(fault: str, folder: Path) -> None:
    """Records one fault with its label; blocks for as long as the recording is."""
    stop, clock = threading.Event(), SystemClock()
    label: list[str] = []

    def induce() -> None:
        if not clock.wait_until(clock.monotonic_ns() + round(QUIET_BEFORE_S * 1e9), stop):
            return
        begin = _now()
        with induced(fault, FAULT_S, folder):
            stop.wait(FAULT_S)
        label.append(f"{begin},{_now()},{fault}\n")

    thread = threading.Thread(target=induce, name=f"induce-{fault}")
    thread.start()
    try:
        length_s = QUIET_BEFORE_S + FAULT_S + QUIET_AFTER_S
        sensor = HostSensor(name="host", rate_hz=RATE_HZ)
        recorded = record(sensor, length_s, folder / f"{fault}.csv", stop=stop, progress=_progress(fault))
    finally:
        stop.set()
        thread.join(timeout=10)
    (folder / f"{fault}.labels.csv").write_text("start,end,fault\n" + "".join(label), encoding="utf-8")
    print(f"{fault}: {recorded}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _progress(fault: str) -> Callable[[int], None]:
    def show(rows: int) -> None:
        if sys.stderr.isatty() and rows % round(RATE_HZ) == 0:
            print(f"\r{fault}: {rows / RATE_HZ:.0f} s", end="", file=sys.stderr)

    return show


def main(arguments: list[str] | None = None) -> int:
    """Records the faults named, or all."""
    parser = argparse.ArgumentParser(prog="python -m twin.make_recordings", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), help="record only this fault")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for fault in options.only or sorted(FAULTS):
        make(fault, options.folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
