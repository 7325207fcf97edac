"""The gateway's two processes under a harness: the product's own code, with a hook in its fault points.

```
python -m bench.faults.process run|agent --config … [--ledger …] [--kill-at NAME:N] [--fail-while FILE:ERRNO]
       [--delay NAME:SECONDS] [--jump AFTER_S:BY_S]… [--hardware NAME] [--memory-mib N]
```
Everything is installed here, in a process that the harness started: the product itself reads none of it.
"""

import argparse
import errno
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from device_agent import config as configuration
from device_agent import fault_points
from device_agent.agent import run_agent
from device_agent.clock import SystemClock
from device_agent.identity import read_hardware
from device_agent.logs import configure_logging
from device_agent.machine import Machine
from device_agent.sensing import run_sensing
from device_agent.supervisor import stop_on_signals

_WRITES: Final = ("spool.append.begin", "spool.seal.begin", "spool.forget.begin", "spool.tell.begin")


class JumpingClock(SystemClock):
    """This machine's clocks, but the wall's jumps when it is told to.

    Args:
        jumps: Pairs of seconds: after how long, by how much; each is measured from the start.
    """

    def __init__(self, jumps: list[tuple[float, float]]) -> None:
        self._jumps = jumps
        self._began_s = time.monotonic()

    def wall_ms(self) -> int:
        """See ``Clock``."""
        running_s = time.monotonic() - self._began_s
        return super().wall_ms() + round(1000 * sum(by_s for after_s, by_s in self._jumps if running_s >= after_s))


class Hook:
    """What happens at a fault point.

    Args:
        kill_at: Name, and at which time it is reached the process dies there.
        fail_while: A file and an error number: while the file exists, writing fails with it.
        delay: Name and seconds that every passage takes.
    """

    def __init__(
        self, kill_at: tuple[str, int] | None, fail_while: tuple[Path, int] | None, delay: tuple[str, float] | None
    ) -> None:
        self._kill_at, self._fail_while, self._delay = kill_at, fail_while, delay
        self._reached = 0
        self._mutex = threading.Lock()

    def __call__(self, name: str) -> None:
        """A place is reached."""
        if self._delay and name == self._delay[0]:
            time.sleep(self._delay[1])
        if self._kill_at and name == self._kill_at[0]:
            with self._mutex:
                self._reached += 1
                if self._reached == self._kill_at[1]:
                    os.kill(os.getpid(), signal.SIGKILL)
        if self._fail_while and name in _WRITES and self._fail_while[0].exists():
            number = self._fail_while[1]
            raise OSError(number, os.strerror(number))


def main(arguments: list[str] | None = None) -> int:
    """Runs one of the two until it is stopped or dies."""
    options = _parser().parse_args(arguments)
    configure_logging()
    stop = stop_on_signals()
    fault_points.install(Hook(options.kill_at, options.fail_while, options.delay))
    if options.memory_mib:
        _limit_memory(options.memory_mib)
    machine = Machine(JumpingClock(options.jump), options.hardware or read_hardware())
    config = configuration.load(options.config)
    if options.role == "run":
        run_sensing(config, stop, ledger=options.ledger, machine=machine)
    else:
        run_agent(config, stop, machine=machine)
    return 0


def _limit_memory(spare_mib: int) -> None:
    """What the process may write to may grow by so much from here, stacks included; more is refused.

    Not the address space: the C library reserves 64 MiB of it for every other thread and never touches most.
    """
    used = read_memory(os.getpid())["VmData"]
    resource.setrlimit(resource.RLIMIT_DATA, (used + (spare_mib << 20), resource.RLIM_INFINITY))


def read_memory(pid: int) -> dict[str, int]:
    """What a process holds, bytes, by the names of proc(5): ``VmData``, ``VmHWM`` and others."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {
        name: int(value.split()[0]) << 10
        for name, _, value in (line.partition(":") for line in lines)
        if name.startswith("Vm")
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.faults.process")
    parser.add_argument("role", choices=["run", "agent"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--kill-at", type=_name_and(int))
    parser.add_argument("--fail-while", type=lambda text: (Path(text.rsplit(":", 1)[0]), _errno(text)))
    parser.add_argument("--delay", type=_name_and(float))
    parser.add_argument("--jump", type=lambda text: tuple(map(float, text.split(":"))), action="append", default=[])
    parser.add_argument("--hardware", default="")
    parser.add_argument("--memory-mib", type=int, default=0)
    return parser


def _name_and(kind: type[int] | type[float]) -> Callable[[str], tuple[str, float]]:
    return lambda text: (text.rsplit(":", 1)[0], kind(text.rsplit(":", 1)[1]))


def _errno(text: str) -> int:
    return int(getattr(errno, text.rsplit(":", 1)[1]))


if __name__ == "__main__":
    sys.exit(main())
