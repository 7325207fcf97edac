"""Puts the update machine through every fault and says what it cost."""

import argparse

from bench.output import show
from bench.updates import run


def main() -> int:
    """Prints one row a fault; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.updates", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of all trials (default: 1)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn and what survives")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args()
    rows = run(options.share, options.seed)
    show({"faults": rows}, as_json=options.json)
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
