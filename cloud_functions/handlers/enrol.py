"""Fleet provisioning → table: may this device have a name? Refusals are counted, and more than a few are an alarm."""

from typing import Any

import msgspec

from cloud_functions import bootstrap
from cloud_functions.adapters.emf import write_metrics
from cloud_functions.core.enrolment import Applicant


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """AWS Lambda's entry point for a pre-provisioning hook."""
    verdict = bootstrap.enrolment().judge(msgspec.convert(event, Applicant))
    counts = {"enrolled": int(verdict.allowed), "refused": int(not verdict.allowed)}
    write_metrics("enrolment", counts, wall_ms=bootstrap.clock(), problems=[verdict.reason] if verdict.reason else [])
    return {"allowProvisioning": verdict.allowed, "parameterOverrides": verdict.overrides}
