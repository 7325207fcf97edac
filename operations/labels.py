"""Labels that people gave to episodes, with what was measured around each: data for training and for measuring.

    labels of a gateway ─▶ their episodes ─▶ raw scans around each onset ─▶ <folder>/<gateway>/<sensor>.csv
                                                                           <folder>/labels.jsonl

A CSV is laid out as waico/SKAB's: ``datetime``, channels, ``anomaly``; ``python -m training.evaluate --data FOLDER``
reads it once it holds more than the 400 rows that calibrate. Scans between an onset and the end of an episode called
a fault are 1, of one called a false alarm 0; one called neither is left out, and so is one whose scans have expired.

Not here: giving labels (the API), reading scans (``labelled_scans``).
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from contract.feedback import Label
from operations.errors import OperationError
from operations.labelled_scans import Place, Scans, scans_of, write
from operations.stack import Stack, speaking
from operations.table import SHARDS, query


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """One label; see ``cloud_functions/core/people.py``.

    Attributes:
        gateway_id: The gateway.
        episode_id: The episode.
        sensor: Whose it was.
        top_channel: Which channel contributed most.
        peak: Its peak score, in calibrated thresholds.
        label: What was said.
        by: Who said so.
        labelled_ms: When, Unix milliseconds.
        sk: The episode's own key.
    """

    gateway_id: str
    episode_id: str
    sensor: str
    top_channel: str
    peak: float
    label: Label
    by: str
    labelled_ms: int
    sk: str


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        labels: Lines of ``labels.jsonl``.
        files: CSV files.
        rows: Scans in them.
        without_scans: Labels, true or false, whose scans have not come or have expired.
    """

    labels: int
    files: int
    rows: int
    without_scans: int


def labels(stack: Stack, *, gateway_id: str = "") -> Iterator[Labelled]:
    """Every label, or those of one gateway, by the time of their episodes. Raises ``OperationError``."""
    for name in [gateway_id] if gateway_id else _gateways(stack):
        for item in query(stack, f"G#{name}"):
            yield msgspec.convert(item, Labelled)


def export(stack: Stack, found: Iterable[Labelled], folder: Path) -> Exported:
    """Writes labels and scans into a folder. Raises ``OperationError``."""
    kept: dict[tuple[str, str], list[Scans]] = {}
    known, missing = list(found), 0
    for one in known:
        if one.label == "ignore":
            continue
        scans = scans_of(stack, _place(one))
        missing += scans is None
        if scans is not None:
            kept.setdefault((one.gateway_id, one.sensor), []).append(scans)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "labels.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in known))
        rows = [write(folder / gateway / f"{sensor}.csv", group) for (gateway, sensor), group in sorted(kept.items())]
    except OSError as exc:
        raise OperationError(f"{folder}: {exc}", remedy="name a folder that can be written with --output") from exc
    return Exported(labels=len(known), files=len(rows), rows=sum(rows), without_scans=missing)


def reset(stack: Stack, gateway_id: str) -> None:
    """Puts every threshold of a gateway back. Raises ``OperationError``."""
    event = {"rawPath": f"/api/gateways/{gateway_id}/feedback/reset", "body": "{}"}
    with speaking("resetting"):
        answer = stack.make("lambda").invoke(
            FunctionName=stack.outputs.label_function_name, Payload=json.dumps(event).encode()
        )
        said = json.loads(answer["Payload"].read())
    if said.get("statusCode") != 200:  # noqa: PLR2004 - HTTP's OK
        told = json.loads(said.get("body") or "{}")
        raise OperationError(
            f"gateway {gateway_id!r}: {told.get('error', said)}", remedy=told.get("remedy", "look at its log")
        )


def _gateways(stack: Stack) -> list[str]:
    rows = [row for shard in range(SHARDS) for row in query(stack, f"F#{shard}")]
    return sorted({row["gateway_id"] for row in rows})


def _place(one: Labelled) -> Place:
    is_fault = one.label == "true"
    return Place(gateway_id=one.gateway_id, episode_id=one.episode_id, sk=one.sk, was_fault=is_fault)
