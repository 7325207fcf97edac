"""One line per batch on standard output that is log entry and metrics at once.

The CloudWatch embedded metric format: no call, no cost of a client. Whoever reads logs sees the same counts.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

_NAMESPACE: Final = "Thresher"


def metrics_line(event: str, counts: Mapping[str, int], *, wall_ms: int, problems: Sequence[str] = ()) -> str:
    """The line: an event's name, its counts as metrics without dimensions, and what went wrong."""
    metrics = [{"Name": name, "Unit": "Count"} for name in counts]
    directive = {"Namespace": _NAMESPACE, "Dimensions": [["event"]], "Metrics": metrics}
    line: dict[str, object] = {
        "_aws": {"Timestamp": wall_ms, "CloudWatchMetrics": [directive]},
        "event": event,
        **counts,
    }
    if problems:
        line["problems"] = list(problems)
    return msgspec.json.encode(line).decode()


def write_metrics(event: str, counts: Mapping[str, int], *, wall_ms: int, problems: Sequence[str] = ()) -> None:
    """Writes the line."""
    sys.stdout.write(metrics_line(event, counts, wall_ms=wall_ms, problems=problems) + "\n")
    sys.stdout.flush()
