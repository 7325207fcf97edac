"""The gateway's own programs, with a clock that notes when a deadline came.

```
python -m bench.edge.noting run|agent --config … [--ledger …] [--notes FILE] [--blocks-hz RATE]
```
The clock is this machine's; it writes a line ``deadline_ns came_ns`` for each wait of a sampler, at the end.
With ``--blocks-hz`` each of the document's sensors is replaced by one that keeps its own pace (``bench.edge.blocks``).
"""

import argparse
import sys
import threading
from pathlib import Path

from bench.edge.blocks import in_blocks
from device_agent import config as configuration
from device_agent.agent import run_agent
from device_agent.clock import SystemClock
from device_agent.identity import read_hardware
from device_agent.logs import configure_logging
from device_agent.machine import Machine
from device_agent.sensing import Parts, run_sensing
from device_agent.supervisor import stop_on_signals


class NotingClock(SystemClock):
    """See ``Clock``.

    Attributes:
        notes: Deadline and arrival of each wait, nanoseconds since boot.
    """

    def __init__(self) -> None:
        self.notes: list[tuple[int, int]] = []

    def wait_until(self, deadline_ns: int, stop: threading.Event) -> bool:
        """See ``Clock``."""
        came = super().wait_until(deadline_ns, stop)
        self.notes.append((deadline_ns, self.monotonic_ns()))
        return came


def main(arguments: list[str] | None = None) -> int:
    """Runs one of the two until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge.noting")
    parser.add_argument("role", choices=["run", "agent"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--notes", type=Path)
    parser.add_argument("--blocks-hz", type=float)
    options = parser.parse_args(arguments)
    configure_logging()
    stop, clock = stop_on_signals(), NotingClock()
    config, machine = configuration.load(options.config), Machine(clock, read_hardware())
    if options.role == "agent":
        run_agent(config, stop, machine=machine)
        return 0
    rate_hz = options.blocks_hz
    parts = Parts(lines=lambda around: in_blocks(around, rate_hz)) if rate_hz else None
    run_sensing(config, stop, ledger=options.ledger, machine=machine, parts=parts)
    if options.notes:
        options.notes.write_text("".join(f"{due} {came}\n" for due, came in clock.notes), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
