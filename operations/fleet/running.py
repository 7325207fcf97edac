"""What gateways say that they run, counted by version; see ``cloud_functions/core/software.py``."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from operations.stack import Stack
from operations.table import SHARDS, query

_PARTS: Final = {"application": "software", "model": "model", "configuration": "configuration"}
_SHORT: Final = 12


def versions(stack: Stack) -> dict[str, dict[str, int]]:
    """Gateways by version, by kind; the most frequent first. Raises ``OperationError``."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in _PARTS}
    for said in _said(stack):
        for kind, part in _PARTS.items():
            counts[kind][_version(said.get(part, {}))] += 1
    return {kind: dict(found.most_common()) for kind, found in counts.items()}


def _said(stack: Stack) -> Iterator[dict[str, Any]]:
    rows = (row for shard in range(SHARDS) for row in query(stack, f"F#{shard}"))
    yield from (json.loads(row["body"]) for row in rows if row.get("kind") == "software")


def _version(part: dict[str, str]) -> str:
    """The release where a bundle brought it, else what was installed, else what tells its bytes apart."""
    return part.get("release") or part.get("version") or part.get("sha256", "")[:_SHORT] or "unknown"
