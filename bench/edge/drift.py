"""Lateness and drift over ten whole minutes, with nothing beside.

```
python -m bench.edge.drift [--seconds 600] [--json]
```
Not here: how they are taken (``bench.edge.pace``).
"""

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.edge.pace import MOST_DRIFT_MS, MOST_LATE_MS, TEN_MINUTES_S, read, start
from bench.edge.scenery import Scenery, hold


def main(arguments: list[str] | None = None) -> int:
    """Measures for as long as is asked, with nothing beside it; ends with 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge.drift")
    parser.add_argument("--seconds", type=float, default=TEN_MINUTES_S)
    parser.add_argument("--json", action="store_true", help="one object on the last line")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="thresher-pace-") as folder, Scenery(Path(folder)) as scenery:
        station, notes = start(scenery)
        hold(options.seconds, station)
        station.stop("run")
        found = read(notes)
    told = {**found._asdict(), "seconds": options.seconds}
    print(msgspec.json.encode(told).decode() if options.json else told)
    return int(found.lateness_p99_ms > MOST_LATE_MS or abs(found.drift_ms) > MOST_DRIFT_MS)


if __name__ == "__main__":
    sys.exit(main())
