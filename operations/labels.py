"""Labels that people gave to episodes: listed, and their thresholds taken back.

Not here: giving labels (the API), what was measured around them (``labelled_scans``), files for training
(``recordings``).
"""

import json
from collections.abc import Iterator

import msgspec

from contract.feedback import Label
from operations.errors import OperationError
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


def labels(stack: Stack, *, gateway_id: str = "") -> Iterator[Labelled]:
    """Every label, or those of one gateway, by the time of their episodes. Raises ``OperationError``."""
    for name in [gateway_id] if gateway_id else _gateways(stack):
        for item in query(stack, f"G#{name}"):
            yield msgspec.convert(item, Labelled)


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
