"""HTTP → table. One function for all questions; the page asks nothing else."""

from typing import Any

from cloud_functions import bootstrap
from cloud_functions.adapters import http
from cloud_functions.core.api import Question


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """AWS Lambda's entry point for an HTTP API, payload format 2.0."""
    question = Question(path=event["rawPath"], parameters=event.get("queryStringParameters") or {})
    return http.answer(bootstrap.api().ask(question))
