"""Table's stream → topic. Stops at the first alert that could not be told; it comes again from there."""

from typing import Any

from cloud_functions import bootstrap
from cloud_functions.adapters.emf import write_metrics
from cloud_functions.core.keys import Key
from cloud_functions.core.tally import Tally


def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """AWS Lambda's entry point for a DynamoDB stream, with partial batch failures."""
    tally, notified = Tally(), 0
    for record in event["Records"]:
        keys = record["dynamodb"]["Keys"]
        with tally.guard([record["dynamodb"]["SequenceNumber"]]):
            notified += bootstrap.notify().notify(Key(keys["pk"]["S"], keys["sk"]["S"]))
        if tally.failed:
            break
    counts = {"notified": notified, "failed": len(tally.failed)}
    write_metrics("alert.batch", counts, wall_ms=bootstrap.clock(), problems=tally.problems)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in tally.failed]}
