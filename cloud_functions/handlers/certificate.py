"""IoT rule → registry → gateway: a gateway's next certificate, within a job."""

import base64
from typing import Any

from cloud_functions import bootstrap
from cloud_functions.adapters.emf import write_metrics
from cloud_functions.core.renewal import Asked
from contract.certificates import VERBS, decode_request
from contract.errors import ContractError


def handler(event: dict[str, Any], _context: object) -> None:
    """AWS Lambda's entry point for the rule's message; an error is retried by the service, and by the gateway."""
    if event["verb"] not in VERBS:
        return
    try:
        request = decode_request(base64.b64decode(event["data"]))
    except ContractError as exc:
        write_metrics("certificate", {"refused": 1}, wall_ms=bootstrap.clock(), problems=[str(exc)])
        return
    names = {name: str(event.get(name, "")) for name in ("gateway_id", "client_id", "certificate_id")}
    answer = bootstrap.renewal().answer(Asked(verb=event["verb"], request=request, **names))
    bootstrap.replies().certify(names["gateway_id"], answer)
    counts = {event["verb"]: int(not answer.refused), "refused": int(bool(answer.refused))}
    problems = [f"{names['gateway_id']}: {answer.refused}"] if answer.refused else []
    write_metrics("certificate", counts, wall_ms=bootstrap.clock(), problems=problems)
