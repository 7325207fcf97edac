"""Makes real faults on this machine, to be noticed: CPU burn, disk storm, memory leak.

Each runs in child processes of its own that are bounded in time and size and end themselves, even if whoever
started them is killed: they look at the clock, and what they hold (memory, an already unlinked file)
goes with them.

```
python -m twin.induce cpu_burn --seconds 30
```
Not here: watching what the fault does (that is the product's work), recording it (``twin.make_recordings``).
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

STORM_BYTES_PER_S = 60_000_000
STORM_FILE_BYTES = 256 * 1024 * 1024
LEAK_SHARE = 0.12
LEAK_LIMIT_BYTES = 3 * 1024**3
LEAK_KEEPS_FREE_BYTES = 512 * 1024**2
_BLOCK_BYTES = 4 * 1024 * 1024
_LEAK_STEPS = 100
_CHECK_S = 0.1

Fault = Callable[[float, str], None]


def burn(seconds: float, folder: str) -> None:
    """Keeps one core busy."""
    del folder
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(10_000))


def storm(seconds: float, folder: str) -> None:
    """Writes and syncs blocks round and round in one file, as fast as the disk takes them up to the rate above."""
    block = os.urandom(_BLOCK_BYTES)
    start = time.monotonic()
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:  # has no name: nothing to leave behind
        written = 0
        while (passed := time.monotonic() - start) < seconds:
            file.seek(written % STORM_FILE_BYTES)
            file.write(block)
            os.fsync(file.fileno())
            written += _BLOCK_BYTES
            time.sleep(min(_CHECK_S * 10, max(0.0, written / STORM_BYTES_PER_S - passed)))


def leak(seconds: float, folder: str) -> None:
    """Takes memory step by step for half of the time, holds it for the rest, then gives it back by ending."""
    del folder
    start, step_s = time.monotonic(), seconds / 2 / _LEAK_STEPS
    held: list[bytes] = []
    step_bytes = leak_bytes(psutil.virtual_memory().total) // _LEAK_STEPS
    while (passed := time.monotonic() - start) < seconds:
        roomy = psutil.virtual_memory().available > step_bytes + LEAK_KEEPS_FREE_BYTES
        if roomy and len(held) < min(_LEAK_STEPS, passed / step_s):
            held.append(b"\x01" * step_bytes)  # written, so that the pages are really taken
        else:
            time.sleep(min(step_s, seconds - passed))


def leak_bytes(total: int) -> int:
    """How much a leak grows to on a machine with ``total`` bytes of memory."""
    return min(int(total * LEAK_SHARE), LEAK_LIMIT_BYTES)


FAULTS: dict[str, Fault] = {"cpu_burn": burn, "disk_storm": storm, "memory_leak": leak}


@contextmanager
def induced(fault: str, seconds: float, folder: Path) -> Iterator[None]:
    """Has a fault going while the block runs, at most for ``seconds``; leaving the block ends it.

    Args:
        fault: One of ``FAULTS``.
        seconds: How long at most.
        folder: On the disk that a disk storm is to keep busy.
    """
    spawn = multiprocessing.get_context("spawn")
    count = (os.cpu_count() or 1) if fault == "cpu_burn" else 1
    children = [spawn.Process(target=FAULTS[fault], args=(seconds, str(folder)), daemon=True) for _ in range(count)]
    try:
        for child in children:
            child.start()
        yield
    finally:
        for child in children:
            if child.pid is not None:
                child.terminate()
                child.join(timeout=5)


def main(arguments: list[str] | None = None) -> int:
    """Makes one fault and waits for its end; Ctrl-C ends it early."""
    parser = argparse.ArgumentParser(prog="python -m twin.induce", description=__doc__.split("\n", 1)[0])
    parser.add_argument("fault", choices=sorted(FAULTS))
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk a disk storm keeps busy")
    options = parser.parse_args(arguments)
    try:
        with induced(options.fault, options.seconds, options.folder):
            time.sleep(options.seconds)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
