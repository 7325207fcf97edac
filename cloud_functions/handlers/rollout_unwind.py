"""Workflow → IoT Jobs: takes a rollout back."""

from typing import Any

import msgspec

from cloud_functions import bootstrap
from cloud_functions.core.rollout.promoter import Step


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """AWS Lambda's entry point for a Step Functions task."""
    step = bootstrap.promoter().unwind(msgspec.convert(event, Step))
    told: dict[str, Any] = msgspec.to_builtins(step)
    return told
