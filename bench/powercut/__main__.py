"""Cuts the power many times and says what was lost."""

import argparse

from bench.output import show
from bench.powercut import CUTS, run


def main() -> int:
    """Prints one row a fault; 1 where something was lost or stored twice."""
    parser = argparse.ArgumentParser(prog="python -m bench.powercut", description=__doc__)
    parser.add_argument("--cuts", type=int, default=CUTS, help=f"into a spool's life (default: {CUTS})")
    parser.add_argument("--seed", type=int, default=1, help="of what happens and what survives")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args()
    rows = run(options.cuts, options.seed)
    show({"faults": rows}, as_json=options.json)
    return 1 if any(row.lost or row.duplicates for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
