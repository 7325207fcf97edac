"""``make bench``: measures what the documents claim, section by section.

```
python -m bench [--only wear,idle_traffic] [--json]
```
A section is a module of this folder with ``run()``, which returns a Struct or a mapping; one that has ``passed``
false makes the status 1. With ``--json`` the last line on stdout is one object with a key per section.
"""

import argparse
import importlib
import importlib.util
import sys
from typing import Any, Final

import msgspec

from bench.output import show
from device_agent.errors import ThresherError

SECTIONS: Final = (
    "edge",
    "wear",
    "comebacks",
    "idle_traffic",
    "ipc",
    "model",
    "watching",
    "footprint",
    "fleet_footprint",
)


def measure(section: str) -> dict[str, Any]:
    """Runs one section; what went wrong is its result, so that the others are still measured."""
    print(f"{section} …", file=sys.stderr)
    try:
        found: dict[str, Any] = msgspec.to_builtins(importlib.import_module(f"bench.{section}").run())
    except (ThresherError, OSError) as exc:
        print(f"error: {section}: {exc}", file=sys.stderr)
        print(f"try: {getattr(exc, 'remedy', '') or 'run it alone with --only'}", file=sys.stderr)
        return {"error": str(exc), "passed": False}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measures the sections asked for, or all."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", metavar="SECTION,…", help=f"only these of: {', '.join(SECTIONS)}")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args(arguments)
    wanted = options.only.split(",") if options.only else list(SECTIONS)
    unknown = sorted(set(wanted) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {unknown[0]!r}; there are: {', '.join(SECTIONS)}")
    results = {section: measure(section) for section in wanted}
    show(results, as_json=options.json)
    return 0 if all(result.get("passed", True) for result in results.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
