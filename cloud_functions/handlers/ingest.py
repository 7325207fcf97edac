"""Queue → table. Answers with the records that must come again, and with no others."""

from typing import Any

from cloud_functions import bootstrap
from cloud_functions.adapters.emf import write_metrics
from cloud_functions.core.receive import Record


def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """AWS Lambda's entry point for Amazon SQS, with partial batch failures."""
    records = [Record(record["messageId"], record["body"]) for record in event["Records"]]
    tally = bootstrap.ingest().ingest(records)
    write_metrics("ingest.batch", tally.counts(), wall_ms=bootstrap.clock(), problems=tally.problems)
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in sorted(tally.failed)]}
