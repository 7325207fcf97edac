"""HTTP → table → gateway: what people say of episodes. Apart from the questions, whose function may only read."""

from typing import Any

from cloud_functions import bootstrap
from cloud_functions.adapters import http
from cloud_functions.core.commands import Command


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """AWS Lambda's entry point for an HTTP API, payload format 2.0."""
    command = Command(path=event["rawPath"], body=http.body(event), by=http.sender(event))
    return http.answer(bootstrap.commands().obey(command))
